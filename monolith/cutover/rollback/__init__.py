"""Automatic rollback: a business returns to its former database when its calls fail, or are slow, for too long."""
