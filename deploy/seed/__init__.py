"""Bulk creation of realistic data, reproducible by seed: `extraction seed`."""
