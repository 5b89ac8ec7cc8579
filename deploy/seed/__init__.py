"""Much realistic data at once, the same for the same seed: `extraction seed`."""
