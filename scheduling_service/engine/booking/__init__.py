"""Appointments: how they come to be, change and end. Each operation runs inside a `Write`."""
