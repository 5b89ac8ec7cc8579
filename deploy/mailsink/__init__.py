"""Keeps the mails that the product sends in the demo, where a person can read them."""
