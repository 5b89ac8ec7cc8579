"""Constraints that the database enforces independently of the code."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors as pg
from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from tests.contract.port.shop import Shop, at
from tests.integration.engine.workbench import Workbench


def insert(bench: Workbench, shop: Shop, starts_at: datetime, ends_at: datetime, **columns: Any) -> None:
    """Insert an appointment by SQL, with a claim on its time, or on `claimed` if given."""
    claimed = columns.pop("claimed", (starts_at, ends_at))
    row = {
        "business_id": shop.business_id,
        "appointment_id": uuid7(),
        "offering_id": shop.offering.offering_id,
        "provider_id": shop.provider.provider_id,
        "customer_id": shop.customer.id,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "zone": "UTC",
        "status": "booked",
        "version": 1,
        "note": "",
        "booked_at": starts_at,
        **columns,
    }
    with bench.administrator() as administrator, administrator.transaction():
        placeholders = ", ".join(["%s"] * len(row))
        administrator.execute(
            f"INSERT INTO scheduling.appointment ({', '.join(row)}) VALUES ({placeholders})", list(row.values())
        )
        if claimed:
            administrator.execute(
                """
                INSERT INTO scheduling.claim (business_id, resource_id, holder_id, offering_id, starts_at, ends_at)
                VALUES (%s, %s, %s, %s, %s, %s)
                """,
                (shop.business_id, row["provider_id"], row["appointment_id"], row["offering_id"], *claimed),
            )


@contextmanager
def no_claim() -> Iterator[None]:
    """Expect the database to report an appointment without a claim."""
    with pytest.raises(psycopg.Error) as refusal:
        yield
    assert refusal.value.sqlstate == "SL003"


OVERLAPS = [(at(9), at(10)), (at(9, 59), at(11)), (at(8), at(9, 1)), (at(0), at(24))]


@pytest.mark.parametrize(("starts_at", "ends_at"), OVERLAPS)
def test_direct_sql_cannot_create_an_overlap(
    bench: Workbench, shop: Shop, starts_at: datetime, ends_at: datetime
) -> None:
    shop.book(at(9))
    with pytest.raises(pg.ExclusionViolation):
        insert(bench, shop, starts_at, ends_at)
    with no_claim():
        insert(bench, shop, starts_at, ends_at, claimed=None)
    with no_claim():
        insert(bench, shop, starts_at, ends_at, claimed=(at(12), at(13)))
    assert bench.count("appointment", shop.business_id) == 1


@pytest.mark.parametrize("status", ["held", "pending", "booked"])
def test_an_active_appointment_has_a_claim(bench: Workbench, shop: Shop, status: str) -> None:
    with no_claim():
        insert(bench, shop, at(9), at(10), status=status, hold_expires_at=at(8), claimed=None)
    insert(bench, shop, at(9), at(10), status=status, hold_expires_at=at(8))


def test_direct_sql_cannot_update_into_an_overlap(bench: Workbench, shop: Shop) -> None:
    shop.book(at(9))
    second = shop.book(at(10)).appointment_id
    with no_claim():
        bench.sql("UPDATE scheduling.appointment SET starts_at = %s WHERE appointment_id = %s", at(9, 59), second)
    with pytest.raises(pg.ExclusionViolation):
        bench.sql("UPDATE scheduling.claim SET starts_at = %s WHERE holder_id = %s", at(9, 59), second)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM scheduling.claim WHERE holder_id = %s",
        "UPDATE scheduling.claim SET ends_at = ends_at - interval '1 minute' WHERE holder_id = %s",
        "UPDATE scheduling.claim SET overbooked = true WHERE holder_id = %s",
    ],
)
def test_a_claim_in_use_cannot_be_deleted(bench: Workbench, shop: Shop, statement: str) -> None:
    with no_claim():
        bench.sql(statement, shop.book(at(9)).appointment_id)


def test_an_overbooked_claim_cannot_become_regular_in_an_overlap(bench: Workbench, shop: Shop) -> None:
    shop.book(at(9))
    squeezed = shop.port.book(shop.staff.writes(), shop.booking(overbook=True)).appointment_id
    with pytest.raises(pg.ExclusionViolation):
        bench.sql("UPDATE scheduling.claim SET overbooked = false WHERE holder_id = %s", squeezed)
    with no_claim():
        bench.sql("UPDATE scheduling.appointment SET overbooked = false WHERE appointment_id = %s", squeezed)


def test_adjacent_claims_are_accepted(bench: Workbench, shop: Shop) -> None:
    zoe = shop.add_provider()
    shop.book(at(9))
    insert(bench, shop, at(10), at(11))
    insert(bench, shop, at(9), at(10), provider_id=zoe.provider_id)
    insert(bench, shop, at(9), at(10), status="cancelled", cancelled_at=at(8), claimed=None)
    assert bench.count("appointment", shop.business_id) == 4


@pytest.mark.parametrize("seats", [3, -1])
def test_a_session_cannot_exceed_its_capacity(bench: Workbench, shop: Shop, seats: int) -> None:
    shop.change_offering(capacity=2)
    shop.book(at(9))
    with pytest.raises(pg.CheckViolation):
        bench.sql("UPDATE scheduling.session SET seats_taken = %s WHERE business_id = %s", seats, shop.business_id)


def test_a_room_cannot_be_claimed_twice(bench: Workbench, shop: Shop) -> None:
    room = shop.add_resource()
    facial = shop.add_offering("Facial", duration_minutes=60, needs=(m.ResourceNeed(kind="room"),))
    shop.book(at(9), offering_id=facial.offering_id)
    with pytest.raises(pg.ExclusionViolation):
        claim(bench, shop, room.resource_id, at(9, 30), at(10, 30))


def claim(bench: Workbench, shop: Shop, resource_id: UUID, starts_at: datetime, ends_at: datetime) -> None:
    bench.sql(
        """
        INSERT INTO scheduling.claim (business_id, resource_id, holder_id, offering_id, starts_at, ends_at)
        VALUES (%s, %s, gen_random_uuid(), %s, %s, %s)
        """,
        shop.business_id,
        resource_id,
        shop.offering.offering_id,
        starts_at,
        ends_at,
    )


@pytest.mark.parametrize(
    "columns",
    [
        {"ends_at": at(9)},
        {"ends_at": at(8)},
        {"ends_at": at(9) + timedelta(hours=24, seconds=1)},
        {"status": "held"},
        {"version": 0},
        {"status": "cancelled"},
        {"cancelled_at": at(8)},
    ],
    ids=str,
)
def test_invalid_rows_are_refused(bench: Workbench, shop: Shop, columns: dict[str, Any]) -> None:
    with pytest.raises(pg.CheckViolation):
        insert(bench, shop, at(9), **{"ends_at": at(10), **columns})


@pytest.mark.parametrize("column", ["offering_id", "provider_id"])
def test_an_appointment_belongs_to_the_catalog_of_its_business(bench: Workbench, shop: Shop, column: str) -> None:
    theirs = getattr(getattr(bench.shop(), column.removesuffix("_id")), column)
    with pytest.raises(pg.ForeignKeyViolation):
        insert(bench, shop, at(9), at(10), **{column: theirs})


def test_every_key_and_unique_index_starts_with_the_business(bench: Workbench) -> None:
    """Exceptions: the outbox, which the relay reads across businesses, and the canary, which belongs to none."""
    unique = bench.sql(
        """
        SELECT i.indexrelid::regclass::text, a.attname
          FROM pg_index i
          JOIN pg_class t ON t.oid = i.indrelid AND t.relnamespace = 'scheduling'::regnamespace
          JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
         WHERE (i.indisunique OR i.indisexclusion) AND t.relname NOT IN ('outbox', 'canary', 'alembic_version')
        """
    )
    assert len(unique) >= 9
    assert {column for _, column in unique} == {"business_id"}


def test_occupancy_uses_the_index_under_row_security(own_bench: Workbench, own_shop: Shop) -> None:
    """Only leakproof operators can use an index there: those of plain columns, not of ranges."""
    own_shop.add_provider()
    own_bench.sql(FIVE_THOUSAND_HOURS, own_shop.offering.offering_id, at(0), own_shop.business_id)
    own_bench.sql("ANALYZE scheduling.claim")
    with own_bench.connect("scheduling_app") as connection, connection.transaction():
        connection.execute("SELECT set_config('app.business_id', %s, true)", (str(own_shop.business_id),))
        plan = connection.execute(
            TAKEN, (own_shop.business_id, own_shop.provider.provider_id, at(0), at(24))
        ).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert "Index Only Scan using claim_by_time" in text, text
    condition = text.partition("Index Cond: ")[2].partition("\n")[0]
    assert all(column in condition for column in ("business_id", "resource_id", "starts_at")), text


FIVE_THOUSAND_HOURS = """
    INSERT INTO scheduling.claim (business_id, resource_id, holder_id, offering_id, starts_at, ends_at)
    SELECT business_id, provider_id, gen_random_uuid(), %s, hour, hour + interval '1 hour'
      FROM scheduling.provider
     CROSS JOIN (SELECT %s + n * interval '1 hour' FROM generate_series(1, 5000) AS n) AS hours (hour)
     WHERE business_id = %s
"""
TAKEN = """
    EXPLAIN SELECT starts_at, ends_at, expires_at FROM scheduling.claim
     WHERE business_id = %s AND resource_id = %s AND starts_at >= %s AND starts_at < %s
"""
