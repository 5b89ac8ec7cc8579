"""A small model of the cutover protocol, checked exhaustively."""
