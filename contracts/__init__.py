"""What the two sides of a boundary agree on; one package per boundary."""
