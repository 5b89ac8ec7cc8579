"""The registered databases: their addresses, which accept new businesses, and which replicate with each other."""

from collections.abc import Collection
from typing import Any, Literal, NamedTuple
from uuid import UUID

import psycopg
from psycopg import errors as pg
from psycopg.rows import kwargs_row
from sqlalchemy import Connection as PooledConnection
from sqlalchemy import text

from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import Connection

State = Literal["active", "draining"]


class DatabaseEntry(NamedTuple):
    """One row of the registry. The addresses of `monolith` and `scheduling` are settings, and None here.

    `businesses` are those that the pair with `partner` replicates; None: every one that either of the two owns.
    """

    name: DatabaseName
    state: State = "active"
    partner: DatabaseName | None = None
    businesses: list[UUID] | None = None
    service_url: str | None = None
    database_url: str | None = None
    seen_from_others: str | None = None
    secret_setting: str | None = None


class DatabaseExists(Exception):
    """A database with this name is registered already."""


class DatabasePaired(Exception):
    """One of two databases is in a pair with a third one. `name` is in a pair with `partner`."""

    def __init__(self, name: DatabaseName, partner: DatabaseName) -> None:
        super().__init__(f"{name} is in a pair with {partner}")
        self.name, self.partner = name, partner


def read_entries(control_db: Connection) -> list[DatabaseEntry]:
    """Return every registered database, sorted as `order_of` sorts names."""
    with control_db.cursor(row_factory=kwargs_row(DatabaseEntry)) as cursor:
        found = cursor.execute(
            """
            SELECT name, state, partner, businesses, service_url, database_url, seen_from_others, secret_setting
              FROM cutover.database
            """
        ).fetchall()
    return sorted(found, key=lambda entry: order_of(entry.name))


def further_names(control_db: psycopg.Connection[Any]) -> list[DatabaseName]:
    """Return the names of the databases that are not those of the settings."""
    rows = control_db.execute("SELECT name FROM cutover.database WHERE name NOT IN ('monolith', 'scheduling')")
    return sorted((name for (name,) in rows.fetchall()), key=order_of)


def order_of(name: DatabaseName) -> int:
    """Return the position of a name: `monolith`, then `scheduling`, `scheduling-2` and so on."""
    kind, _, number = name.partition("-")
    return 0 if kind == "monolith" else int(number or 1)


def add_entry(control_db: Connection, entry: DatabaseEntry, actor: str) -> None:
    """Register a database. Raises DatabaseExists."""
    try:
        control_db.execute(
            """
            INSERT INTO cutover.database
                   (name, service_url, database_url, seen_from_others, secret_setting, added_by)
            VALUES (%s, %s, %s, %s, %s, %s)
            """,
            (
                entry.name,
                entry.service_url,
                entry.database_url,
                entry.seen_from_others,
                entry.secret_setting,
                actor,
            ),
        )
    except pg.UniqueViolation as error:
        raise DatabaseExists(entry.name) from error


def set_state(control_db: Connection, name: DatabaseName, state: State) -> None:
    """Accept new businesses in a database, or no longer."""
    control_db.execute("UPDATE cutover.database SET state = %s WHERE name = %s", (state, name))


def set_pair(
    control_db: Connection, one: DatabaseName, other: DatabaseName, businesses: Collection[UUID] | None = None
) -> None:
    """Make two databases a pair, which replicates the given businesses, or everything. Idempotent.

    Raises DatabasePaired, with nothing changed, while one of them is in a pair with a third.
    """
    scope = None if businesses is None else sorted(businesses)
    with control_db.transaction():
        rows = control_db.execute(
            "SELECT name, partner FROM cutover.database WHERE name IN (%s, %s) ORDER BY name FOR NO KEY UPDATE",
            (one, other),
        ).fetchall()
        for name, partner in rows:
            if partner not in (None, one, other):
                raise DatabasePaired(name, partner)
        control_db.execute(
            """
            UPDATE cutover.database
               SET partner = CASE name WHEN %(one)s THEN %(other)s ELSE %(one)s END, businesses = %(scope)s
             WHERE name IN (%(one)s, %(other)s)
            """,
            {"one": one, "other": other, "scope": scope},
        )


def end_pair(control_db: Connection, one: DatabaseName, other: DatabaseName) -> None:
    """End the pair of two databases, so that each may be in another one. Without effect if they are no pair."""
    control_db.execute(
        """
        UPDATE cutover.database SET partner = NULL, businesses = NULL
         WHERE (name, partner) IN ((%(one)s, %(other)s), (%(other)s, %(one)s))
        """,
        {"one": one, "other": other},
    )


def read_service_url(connection: PooledConnection, name: DatabaseName) -> str | None:
    """Return the address of a registered service; None for a database that is not registered, or of the settings."""
    url: str | None = connection.execute(
        text("SELECT service_url FROM cutover.database WHERE name = :name"), {"name": name}
    ).scalar()
    return url


def accepts_new(connection: PooledConnection, name: DatabaseName) -> bool:
    """Return whether new businesses may be opened in a database: it is registered, and not draining."""
    found = connection.execute(
        text("SELECT 1 FROM cutover.database WHERE name = :name AND state = 'active'"), {"name": name}
    )
    return found.one_or_none() is not None


def least_loaded(connection: PooledConnection) -> DatabaseName | None:
    """Return the active database of the service that owns the fewest businesses; None if all are draining.

    The first by name, of several. Index: ownership_by_owner.
    """
    names = connection.execute(
        text("""
            SELECT d.name FROM cutover.database d
              LEFT JOIN cutover.ownership o ON o.owner = d.name
             WHERE d.state = 'active' AND d.name <> 'monolith'
             GROUP BY d.name ORDER BY count(o.business_id), length(d.name), d.name LIMIT 1
        """)
    ).scalars()
    name: DatabaseName | None = names.one_or_none()
    return name
