"""How many statements of each module are under way in the database at this moment, and how many wait for a lock."""

from collections.abc import Mapping
from typing import Final, Literal

from sqlalchemy import Connection, text

from monolith.shared.database import Database, DatabaseUnavailable

State = Literal["running", "lock"]

_OWN: Final = text(
    """
    SELECT count(*) FILTER (WHERE wait_event_type IS DISTINCT FROM 'Lock'),
           count(*) FILTER (WHERE wait_event_type = 'Lock')
      FROM pg_stat_activity
     WHERE usename = current_user AND datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()
    """
)


class Sessions:
    """By module. Each database should be one for this purpose, of one connection: whoever looks must not wait for the
    pool that is short."""

    def __init__(self, databases: Mapping[str, Database]) -> None:
        self._databases = databases

    def counts(self) -> dict[tuple[str, State], int]:
        """Of all processes of the application. A module whose database does not answer is left out."""
        found: dict[tuple[str, State], int] = {}
        for module, database in self._databases.items():
            try:
                found[module, "running"], found[module, "lock"] = database.ask(_under_way)
            except DatabaseUnavailable:
                continue
        return found


def _under_way(connection: Connection) -> tuple[int, int]:
    running, waiting = connection.execute(_OWN).one()
    return int(running), int(waiting)
