"""The databases that can own a business, and the roles that connect to them."""

from dataclasses import dataclass
from typing import Any

import psycopg

from contracts.chassis.credentials import role_url, without_credentials
from contracts.chassis.direct_connection import connect_directly
from contracts.scheduling.values import DatabaseName

# Comparisons rely on one text form of each value, independent of the server's defaults.
_SESSION = (
    "-c timezone=UTC -c datestyle=ISO -c intervalstyle=iso_8601 -c bytea_output=hex -c extra_float_digits=1"
    " -c synchronous_commit=on"
)

Connection = psycopg.Connection[tuple[Any, ...]]

SCHEDULING_MOVER = "scheduling_mover"
"""Reads every business and changes leases, fence marks and canaries."""
REPLICATOR = "scheduling_replicator"
"""Owns the subscriptions; publishes, applies, and discards copies."""
CONTROLLER = "cutover_controller"
"""Records and decides cutovers; exists in the monolith's database only."""


def other_database(name: DatabaseName) -> DatabaseName:
    return "scheduling" if name == "monolith" else "monolith"


@dataclass(frozen=True, slots=True)
class SchedulingDatabase:
    """One database. `url` has no credentials and leads to no pooler; `secret` gives the passwords of its roles.

    `seen_from_other` is the host:port under which the other database's server reaches this one, if it differs.
    """

    name: DatabaseName
    url: str
    secret: str
    seen_from_other: str | None = None

    def url_as(self, role: str) -> str:
        return role_url(self.url, role, self.secret)

    def connect(self, role: str = SCHEDULING_MOVER, *, statement_seconds: float = 30.0) -> Connection:
        """Open an autocommit connection that detects a dead peer within seconds. Raises psycopg.OperationalError.

        A statement that returned is durable, regardless of the server's default: only flushed WAL is replicated.
        """
        return connect_directly(
            self.url_as(role),
            autocommit=True,
            connect_timeout=3,
            keepalives_idle=2,
            keepalives_interval=1,
            keepalives_count=3,
            tcp_user_timeout=5000,
            application_name=f"extraction {role}",
            options=f"{_SESSION} -c statement_timeout={int(statement_seconds * 1000)}",
        )

    def __str__(self) -> str:
        return f"the {self.name} database at {without_credentials(self.url)}"


@dataclass(frozen=True, slots=True)
class SchedulingDatabases:
    """Both databases of a deployment."""

    monolith: SchedulingDatabase
    scheduling: SchedulingDatabase

    def at(self, name: DatabaseName) -> SchedulingDatabase:
        return self.monolith if name == "monolith" else self.scheduling

    def control_db(self) -> Connection:
        """Connect to the monolith's database, where cutovers are recorded and decided, as `cutover_controller`."""
        return self.monolith.connect(CONTROLLER, statement_seconds=5.0)
