"""Backups of all databases to one consistent point, and their restore, by Postgres's own programs."""
