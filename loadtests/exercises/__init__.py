"""Failures on purpose in a running demo, under load, with a ledger of every acknowledged booking."""
