"""The SQL of auth. Functions run in the caller's transaction."""
