"""Signed webhooks: the events of a business, posted to its own programs."""
