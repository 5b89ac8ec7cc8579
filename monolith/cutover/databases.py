"""The two databases that may own a business, and how each role enters them."""

from dataclasses import dataclass
from typing import Any

import psycopg

from contracts.chassis.credentials import role_url, without_credentials
from contracts.scheduling.values import DatabaseName

# Values are written as text in one way only, whatever a server's defaults are: comparisons rely on it.
_SESSION = (
    "-c timezone=UTC -c datestyle=ISO -c intervalstyle=iso_8601 -c bytea_output=hex -c extra_float_digits=1"
    " -c synchronous_commit=on"
)

Connection = psycopg.Connection[tuple[Any, ...]]

SCHEDULING_MOVER = "scheduling_mover"
"""Sees every business and changes leases, fence marks and canaries."""
REPLICATOR = "scheduling_replicator"
"""Owns the subscriptions; publishes, applies, and discards copies."""
PLATFORM_MOVER = "platform_mover"
"""Keeps the record of moves and decides them, in the monolith's database only."""


def other_database(name: DatabaseName) -> DatabaseName:
    return "scheduling" if name == "monolith" else "monolith"


@dataclass(frozen=True, slots=True)
class SchedulingDatabase:
    """One side's database. `url` carries no credentials; `secret` is the one that its roles' passwords follow from.

    `seen_from_other` is host and port by which the other database's server reaches it, where these differ.
    """

    name: DatabaseName
    url: str
    secret: str
    seen_from_other: str | None = None

    def url_as(self, role: str) -> str:
        return role_url(self.url, role, self.secret)

    def connect(self, role: str = SCHEDULING_MOVER, *, statement_seconds: float = 30.0) -> Connection:
        """Each statement its own transaction, durable when it is answered whatever the server's default: only what is
        flushed is sent to the other side. Notices a dead peer within seconds. Raises psycopg.OperationalError."""
        return psycopg.connect(
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

    def platform(self) -> Connection:
        """Where moves are recorded and decided: the monolith's database, as `platform_mover`."""
        return self.monolith.connect(PLATFORM_MOVER, statement_seconds=5.0)
