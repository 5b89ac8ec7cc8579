"""The measuring commands of the `extraction` command line."""
