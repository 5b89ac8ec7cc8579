"""COPY into the tables. Slow indexes of empty tables are dropped first and created again at the end."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import psycopg
from psycopg import sql

from deploy.seed.business import CLOSES, OPENS, SeededBusiness
from monolith.cutover.scheduling_flag import DATABASE_OF, AdapterName

Connection = psycopg.Connection[tuple[object, ...]]
Row = tuple[object, ...]

ROWS_PER_BATCH = 20_000
_COLUMNS = {
    "appointment": "business_id, appointment_id, offering_id, provider_id, customer_id, starts_at, ends_at, zone, "
    "status, version, note, booked_at",
    "claim": "business_id, resource_id, holder_id, offering_id, starts_at, ends_at",
    "history": "business_id, appointment_id, version, at, actor, operation, after",
}
_STEP_MINUTES = 15
_CUTOFF_MINUTES = 24 * 60


def copy_catalog(scheduling: Connection, businesses: Sequence[SeededBusiness]) -> None:
    """Copy businesses, their leases, services, providers and hours."""
    ids = [(each, each.business_id) for each in businesses]
    _copy(scheduling, "business (business_id, name, zone)", ((b, of.name, of.zone) for of, b in ids))
    _copy(scheduling, "lease (business_id, active, epoch)", ((b, True, 1) for _, b in ids))
    _copy(
        scheduling,
        "offering (business_id, offering_id, name, duration_minutes, step_minutes, cancel_cutoff_minutes)",
        ((b, *service, _STEP_MINUTES, _CUTOFF_MINUTES) for of, b in ids for service in of.services),
    )
    _copy(
        scheduling,
        "provider (business_id, provider_id, name, zone)",
        ((b, *provider, of.zone) for of, b in ids for provider in of.providers),
    )
    _copy(
        scheduling,
        "provider_offering (business_id, provider_id, offering_id)",
        (
            (b, each.provider_id, offered.offering_id)
            for of, b in ids
            for each in of.providers
            for offered in of.services
        ),
    )
    _copy(
        scheduling,
        "weekly_hours (business_id, provider_id, weekday, opens_minute, closes_minute)",
        ((b, each.provider_id, day, OPENS, CLOSES) for of, b in ids for each in of.providers for day in range(1, 6)),
    )


def copy_accounts(
    monolith: Connection, businesses: Sequence[SeededBusiness], adapter: AdapterName, password_hash: str
) -> None:
    """Copy the accounts of the owners, their businesses, and the routing table."""
    owners = [(each, each.owner_id) for each in businesses]
    _copy(
        monolith,
        "auth.business (business_id, slug, name, zone, currency, state)",
        ((of.business_id, of.slug, of.name, of.zone, "EUR", "open") for of, _ in owners),
    )
    _copy(
        monolith,
        "auth.account (user_id, email, name, password_hash)",
        ((owner, of.plan.owner_email(of.index), f"Owner of {of.name}", password_hash) for of, owner in owners),
    )
    _copy(
        monolith,
        "auth.membership (business_id, user_id, role)",
        ((of.business_id, owner, "owner") for of, owner in owners),
    )
    _copy(
        monolith,
        "cutover.ownership (business_id, owner, epoch)",
        ((of.business_id, DATABASE_OF[adapter], 1) for of, _ in owners),
    )


def copy_bookings(scheduling: Connection, businesses: Iterable[SeededBusiness], copied: Callable[[int], None]) -> None:
    """Copy appointments with their claims and history. Calls `copied` with the size of each batch."""
    lines = (line for business in businesses for line in business.bookings())
    while batch := list(islice(lines, ROWS_PER_BATCH)):
        for (table, columns), rows in zip(_COLUMNS.items(), zip(*batch, strict=True), strict=True):
            with scheduling.cursor().copy(f"COPY scheduling.{table} ({columns}) FROM STDIN".encode()) as copy:
                copy.write("".join(rows))
        copied(len(batch))


def drop_slow_indexes(scheduling: Connection) -> Iterator[sql.Composed]:
    """Drop the indexes and the exclusion constraint of empty tables, and yield the statements that create them again.

    Maintaining an index during the copy takes several times as long as building it afterwards. Keys are kept.
    """
    empty = [table for table in _COLUMNS if not _any(scheduling, table)]
    for name, table, definition in scheduling.execute(_CONSTRAINTS, (empty,)).fetchall():
        of, constraint = sql.Identifier("scheduling", str(table)), sql.Identifier(str(name))
        scheduling.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(of, constraint))
        yield sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} ").format(of, constraint) + sql.SQL(str(definition))
    for name, definition in scheduling.execute(_INDEXES, (empty,)).fetchall():
        scheduling.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier("scheduling", str(name))))
        yield sql.Composed([sql.SQL(str(definition))])


_CONSTRAINTS = """
    SELECT c.conname, t.relname, pg_get_constraintdef(c.oid)
      FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
     WHERE t.relnamespace = 'scheduling'::regnamespace AND t.relname = ANY (%s) AND c.contype = 'x'
"""
_INDEXES = """
    SELECT i.relname, pg_get_indexdef(i.oid)
      FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
     WHERE t.relnamespace = 'scheduling'::regnamespace AND t.relname = ANY (%s)
       AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.oid)
"""


def _copy(connection: Connection, where: str, rows: Iterable[Row]) -> None:
    schema = "" if "." in where.split("(")[0] else "scheduling."
    with connection.cursor().copy(f"COPY {schema}{where} FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row(row)


def _any(connection: Connection, table: str) -> bool:
    query = sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier("scheduling", table))
    return connection.execute(query).fetchone() is not None
