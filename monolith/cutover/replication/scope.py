"""What a pair of databases replicates: every business that either owns, or some businesses only."""

from collections.abc import Collection
from uuid import UUID

from psycopg import sql

from monolith.cutover.databases import Connection, DatabasePair


def in_scope(pair: DatabasePair, businesses: set[UUID]) -> set[UUID]:
    """Return those of the businesses that the pair replicates."""
    return businesses if pair.businesses is None else businesses & pair.businesses


def publish(
    db: Connection, pair: DatabasePair, without: Collection[UUID] = (), *, tables: list[str] | None = None
) -> None:
    """Publish the tables, or some of them, with the rows that the pair replicates.

    `without` are businesses whose rows in this database are copies, which a subscriber must not copy back.
    """
    chosen = _all_tables(db) if tables is None else tables
    if pair.businesses is None:
        db.execute("SELECT scheduling.publish(%s, %s)", (sorted(without), chosen))
    else:
        businesses = sorted(pair.businesses.difference(without))
        db.execute("SELECT scheduling.publish_businesses(%s, %s)", (businesses, chosen))


def empty_tables(db: Connection, pair: DatabasePair) -> list[str]:
    """Return the tables without rows that the pair replicates.

    A row of the canary's table needs no copy: it belongs to an interrupted check.
    """
    only = (
        sql.SQL("")
        if pair.businesses is None
        else sql.SQL("WHERE business_id = ANY ({})").format(sql.Literal(sorted(pair.businesses)))
    )
    copied = [name for name in _all_tables(db) if name != "canary"]
    has_row = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {}, EXISTS (SELECT 1 FROM scheduling.{} {})").format(
            sql.Literal(name), sql.Identifier(name), only
        )
        for name in copied
    )
    return ["canary", *(name for name, found in db.execute(has_row).fetchall() if not found)]


def _all_tables(db: Connection) -> list[str]:
    return [name for (name,) in db.execute("SELECT unnest(scheduling.replicated_tables())").fetchall()]
