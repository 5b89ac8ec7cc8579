"""Readiness of the service: the schema of its database is migrated."""

from pathlib import Path
from typing import Final

from alembic.script import ScriptDirectory
from psycopg.errors import InsufficientPrivilege

from contracts.chassis.deadline import Deadline
from contracts.chassis.readiness import TIMEOUT_SECONDS, Check
from contracts.chassis.schema_versions import serves
from contracts.scheduling.errors import SchedulingError
from scheduling_service.engine import engine
from scheduling_service.engine.database import Connection, EngineDatabase

_MIGRATIONS: Final = Path(engine.__file__).with_name("migrations")
_REMEDY: Final = "run `extraction db setup scheduling`"


def schema_check(database: EngineDatabase) -> Check:
    """Return a check that the schema has this code's version, or a newer one that declares that it serves this code."""
    newest = frozenset(ScriptDirectory(str(_MIGRATIONS)).get_heads())

    def missing() -> str | None:
        try:
            reached, comment = database.read(Deadline.after(TIMEOUT_SECONDS), _read_versions)
        except SchedulingError as error:
            return error.message
        except InsufficientPrivilege:
            return f"The version of schema `scheduling` cannot be read: {_REMEDY}."
        if serves(comment, reached, newest):
            return None
        return f"Schema `scheduling` is not migrated to {', '.join(sorted(newest - reached))}: {_REMEDY}."

    return Check("Scheduling's schema", missing)


def _read_versions(connection: Connection) -> tuple[frozenset[str], str | None]:
    """Return the versions that the schema has reached, and the comment that names the oldest code that it serves."""
    rows = connection.execute(
        """
        SELECT version_num, obj_description('scheduling.alembic_version'::regclass, 'pg_class')
          FROM scheduling.alembic_version
        """
    ).fetchall()
    return frozenset(version for version, _ in rows), next((comment for _, comment in rows), None)
