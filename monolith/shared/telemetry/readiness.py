"""Whether this process can do its work, and what is missing when it cannot."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from monolith.shared.database import Database, DatabaseUnavailable
from monolith.shared.database.migrate import missing_versions, newest_versions


@dataclass(frozen=True, slots=True)
class Check:
    """`missing` answers None when all is well, else one line that names what is missing and the remedy."""

    name: str
    missing: Callable[[], str | None]


def schema_check(database: Database, schema: str, migrations: Path) -> Check:
    """The module's database answers its role, and its schema is migrated to what this code was written for."""
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


def what_is_missing(checks: list[Check]) -> dict[str, str]:
    """By the check's name; empty when the process is ready."""
    found = ((check.name, check.missing()) for check in checks)
    return {name: missing for name, missing in found if missing is not None}
