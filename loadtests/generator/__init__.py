"""The load generator: a client of the public API that imports nothing of the product."""
