"""The laboratory's servers: each topology started, pinned, measured and stopped, from the same code and data."""
