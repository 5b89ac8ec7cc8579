"""The databases that can own a business, and the roles that connect to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

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


@dataclass(frozen=True, slots=True)
class SchedulingDatabase:
    """One database. `url` has no credentials and leads to no pooler; `secret` gives the passwords of its roles.

    `seen_from_other` is the host:port under which the servers of other databases reach this one, if it differs.
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
class DatabasePair:
    """Two databases between which businesses are replicated and moved, in both directions.

    `businesses` are those that are replicated; None: every one that either of the two owns.
    """

    one: SchedulingDatabase
    other: SchedulingDatabase
    businesses: frozenset[UUID] | None = None

    @property
    def names(self) -> tuple[DatabaseName, DatabaseName]:
        return self.one.name, self.other.name

    def at(self, name: DatabaseName) -> SchedulingDatabase:
        """Raises KeyError for a database that is not one of the two."""
        return {self.one.name: self.one, self.other.name: self.other}[name]

    def partner_of(self, name: DatabaseName) -> DatabaseName:
        """Return the name of the other one of the two. Raises KeyError."""
        return {self.one.name: self.other.name, self.other.name: self.one.name}[name]


class RegisteredDatabase(NamedTuple):
    """A further database of the scheduling service, or one of the first two. `partner` is the other one of its pair.

    `businesses` are those that the pair replicates; None: every one that either of the two owns.
    """

    database: SchedulingDatabase
    partner: DatabaseName | None
    businesses: frozenset[UUID] | None = None
    service_url: str | None = None
    """None: the service of the settings, or the monolith."""


@dataclass(frozen=True, slots=True)
class SchedulingDatabases:
    """The databases of a deployment that can own businesses: two from its settings, and those that were registered.

    `registry` returns all of them in order, the first two included; it raises psycopg.OperationalError while they are
    unknown. Without it there are two, and they are a pair.
    """

    monolith: SchedulingDatabase
    scheduling: SchedulingDatabase
    registry: Callable[[], Mapping[DatabaseName, RegisteredDatabase]] | None = field(default=None, compare=False)

    @property
    def names(self) -> tuple[DatabaseName, ...]:
        """All names, the monolith's first."""
        return tuple(self._registered())

    @property
    def extraction(self) -> DatabasePair:
        """The pair of the extraction: the monolith's database, and the service's first. It needs no registry."""
        return DatabasePair(self.monolith, self.scheduling)

    @property
    def pairs(self) -> tuple[DatabasePair, ...]:
        """The pairs that replicate, or would once replication is started. No database is in two pairs."""
        order = self.names
        registered = self._registered().items()
        return tuple(
            self.pair(name, found.partner)
            for name, found in registered
            if found.partner is not None and order.index(name) < order.index(found.partner)
        )

    @property
    def known_pairs(self) -> tuple[DatabasePair, ...]:
        """As `pairs`; that of the extraction alone while the registry was never read and cannot be."""
        try:
            return self.pairs
        except psycopg.OperationalError:
            return (self.extraction,)

    def at(self, name: DatabaseName) -> SchedulingDatabase:
        """Raises KeyError for a database that the deployment does not have."""
        if name in self.extraction.names:
            return self.extraction.at(name)
        return self._registered()[name].database

    def pair(self, one: DatabaseName, other: DatabaseName) -> DatabasePair:
        """Return two databases as a pair, in the order of `names`, with what they replicate if they are partners.

        Raises KeyError.
        """
        registered = self._registered()
        chosen = {name: registered[name] for name in (one, other)}
        first, second = (name for name in registered if name in chosen)
        businesses = registered[first].businesses if registered[first].partner == second else None
        return DatabasePair(registered[first].database, registered[second].database, businesses)

    def partner_of(self, name: DatabaseName) -> DatabaseName | None:
        """Return the database with which this one replicates, or would; None if it is in no pair. Raises KeyError."""
        return self._registered()[name].partner

    def replicates(self, business_id: UUID, name: DatabaseName) -> bool:
        """Return whether the pair of a database includes the business. Raises KeyError."""
        found = self._registered()[name]
        return found.partner is not None and (found.businesses is None or business_id in found.businesses)

    def service_url_of(self, name: DatabaseName) -> str | None:
        """Return the address of a registered service; None for the databases of the settings."""
        return None if name in self.extraction.names else self._registered()[name].service_url

    def control_db(self) -> Connection:
        """Connect to the monolith's database, where cutovers are recorded and decided, as `cutover_controller`."""
        return self.monolith.connect(CONTROLLER, statement_seconds=5.0)

    def _registered(self) -> Mapping[DatabaseName, RegisteredDatabase]:
        if self.registry is not None:
            return self.registry()
        one, other = self.monolith, self.scheduling
        return {one.name: RegisteredDatabase(one, other.name), other.name: RegisteredDatabase(other, one.name)}
