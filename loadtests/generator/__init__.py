"""The load generator: a client of the public API, independent of the product's code."""
