"""The Alembic history of schema `cutover`."""

from pathlib import Path

MIGRATIONS = Path(__file__).parent
