"""Sees to it that what is due in one database happens: holds expire, those who wait get offers."""
