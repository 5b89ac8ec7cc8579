"""The schema `platform`'s history."""

from pathlib import Path

MIGRATIONS = Path(__file__).parent
