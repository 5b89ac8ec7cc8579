"""The contracts between deployables, one package per boundary, and the chassis that they share."""
