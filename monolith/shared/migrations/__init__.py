"""Alembic history of the schema `platform`."""

from pathlib import Path

MIGRATIONS = Path(__file__).parent
