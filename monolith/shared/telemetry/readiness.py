"""Readiness of the monolith: its schemas are reachable and migrated."""

from pathlib import Path

from contracts.chassis.readiness import Check
from monolith.shared.database import DatabaseUnavailable, ModuleDatabase
from monolith.shared.database.migrate import missing_versions, newest_versions


def schema_check(database: ModuleDatabase, schema: str, migrations: Path) -> Check:
    """Return a check that a module's schema can be read with its role and is migrated to this code's version."""
    newest = newest_versions(migrations)

    def missing() -> str | None:
        try:
            behind = missing_versions(database, schema, newest)
        except DatabaseUnavailable as error:
            return f"schema `{schema}` cannot be read: {error.message} If it was never set up: `extraction db setup`"
        if behind:
            return f"schema `{schema}` is not migrated to {', '.join(sorted(behind))}: run `extraction db setup`"
        return None

    return Check(schema, missing)
