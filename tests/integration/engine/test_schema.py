"""What the database holds by itself, whatever the code above it does."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg import errors as pg
from uuid_utils.compat import uuid7

from tests.contract.port.shop import Shop, at
from tests.integration.engine.workbench import Workbench


def insert(bench: Workbench, shop: Shop, starts_at: datetime, ends_at: datetime, **columns: Any) -> None:
    """An appointment by SQL, past all code."""
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
    places = ", ".join(["%s"] * len(row))
    bench.sql(f"INSERT INTO scheduling.appointment ({', '.join(row)}) VALUES ({places})", *row.values())


@pytest.mark.parametrize(
    ("starts_at", "ends_at"), [(at(9), at(10)), (at(9, 59), at(11)), (at(8), at(9, 1)), (at(0), at(24))]
)
def test_no_overlap_even_by_sql(bench: Workbench, shop: Shop, starts_at: datetime, ends_at: datetime) -> None:
    shop.book(at(9))
    with pytest.raises(pg.ExclusionViolation):
        insert(bench, shop, starts_at, ends_at)
    assert bench.count("appointment", shop.business_id) == 1


def test_no_overlap_by_updating_either(bench: Workbench, shop: Shop) -> None:
    shop.book(at(9))
    moved = shop.book(at(10))
    with pytest.raises(pg.ExclusionViolation):
        bench.sql(
            "UPDATE scheduling.appointment SET starts_at = %s WHERE appointment_id = %s",
            at(9, 59),
            moved.appointment_id,
        )


def test_what_does_not_overlap_may_stand(bench: Workbench, shop: Shop) -> None:
    zoe = shop.add_provider()
    shop.book(at(9))
    insert(bench, shop, at(10), at(11))
    insert(bench, shop, at(9), at(10), provider_id=zoe.provider_id)
    insert(bench, shop, at(9), at(10), status="cancelled", cancelled_at=at(8))
    assert bench.count("appointment", shop.business_id) == 4


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
def test_rows_that_make_no_sense_are_refused(bench: Workbench, shop: Shop, columns: dict[str, Any]) -> None:
    with pytest.raises(pg.CheckViolation):
        insert(bench, shop, at(9), **{"ends_at": at(10), **columns})


@pytest.mark.parametrize("column", ["offering_id", "provider_id"])
def test_an_appointment_belongs_to_the_catalog_of_its_business(bench: Workbench, shop: Shop, column: str) -> None:
    theirs = getattr(getattr(bench.shop(), column.removesuffix("_id")), column)
    with pytest.raises(pg.ForeignKeyViolation):
        insert(bench, shop, at(9), at(10), **{column: theirs})


def test_every_key_and_unique_index_begins_with_the_business(bench: Workbench) -> None:
    """But the outbox's own, which the relay reads across businesses."""
    unique = bench.sql(
        """
        SELECT i.indexrelid::regclass::text, a.attname
          FROM pg_index i
          JOIN pg_class t ON t.oid = i.indrelid AND t.relnamespace = 'scheduling'::regnamespace
          JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
         WHERE (i.indisunique OR i.indisexclusion) AND t.relname NOT IN ('outbox', 'alembic_version')
        """
    )
    assert len(unique) >= 9
    assert {column for _, column in unique} == {"business_id"}


def test_what_is_taken_is_found_by_the_index_also_under_row_security(own_bench: Workbench, own_shop: Shop) -> None:
    """There only leakproof operators reach an index: those of plain columns, not of ranges."""
    own_shop.add_provider()
    own_bench.sql(FIVE_THOUSAND_HOURS, own_shop.offering.offering_id, at(0), own_shop.business_id)
    own_bench.sql("ANALYZE scheduling.appointment")
    with own_bench.connect("scheduling_app") as connection, connection.transaction():
        connection.execute("SELECT set_config('app.business_id', %s, true)", (str(own_shop.business_id),))
        plan = connection.execute(
            TAKEN, (own_shop.business_id, own_shop.provider.provider_id, at(0), at(24))
        ).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert "Index Only Scan using appointment_by_provider" in text, text
    condition = text.partition("Index Cond: ")[2].partition("\n")[0]
    assert all(column in condition for column in ("business_id", "provider_id", "starts_at")), text


FIVE_THOUSAND_HOURS = """
    INSERT INTO scheduling.appointment
    SELECT business_id, gen_random_uuid(), %s, provider_id, gen_random_uuid(), hour, hour + interval '1 hour', zone,
           'booked', 1, '', now()
      FROM scheduling.provider
     CROSS JOIN (SELECT %s + n * interval '1 hour' FROM generate_series(1, 5000) AS n) AS hours (hour)
     WHERE business_id = %s
"""
TAKEN = """
    EXPLAIN SELECT starts_at, ends_at FROM scheduling.appointment
     WHERE business_id = %s AND provider_id = %s AND status = 'booked' AND starts_at >= %s AND starts_at < %s
"""
