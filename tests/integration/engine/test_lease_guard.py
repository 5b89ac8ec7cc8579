"""Only the owner writes a business: the fence, the lease, and the triggers on the tables."""

import time

import psycopg
import pytest
from psycopg import errors as pg
from psycopg.sql import SQL

from contracts.scheduling.errors import NotOwner
from tests.contract.port.shop import Shop, at
from tests.integration.engine.workbench import Administrator, Background, Workbench

STATEMENTS = [
    """
    INSERT INTO scheduling.offering SELECT business_id, gen_random_uuid(), name, 5, 5, 0 FROM scheduling.offering
     WHERE business_id = %s
    """,
    "UPDATE scheduling.business SET name = 'Mine' WHERE business_id = %s",
    "UPDATE scheduling.offering SET name = 'Mine' WHERE business_id = %s",
    "UPDATE scheduling.provider SET name = 'Mine' WHERE business_id = %s",
    "UPDATE scheduling.appointment SET note = 'Mine' WHERE business_id = %s",
    "DELETE FROM scheduling.claim WHERE business_id = %s",
    "UPDATE scheduling.claim SET overbooked = true WHERE business_id = %s",
    "UPDATE scheduling.history SET actor = 'nobody' WHERE business_id = %s",
    "DELETE FROM scheduling.appointment WHERE business_id = %s",
    "DELETE FROM scheduling.provider_offering WHERE business_id = %s",
    "DELETE FROM scheduling.weekly_hours WHERE business_id = %s",
    "DELETE FROM scheduling.idempotency WHERE business_id = %s",
]


def turn_lease(administrator: Administrator, shop: Shop, *, active: bool) -> None:
    administrator.execute("UPDATE scheduling.lease SET active = %s WHERE business_id = %s", (active, shop.business_id))


def run(connection: Administrator, statement: str, shop: Shop) -> int:
    return connection.execute(statement, (shop.business_id,)).rowcount


@pytest.mark.parametrize("statement", STATEMENTS)
def test_sql_without_the_lease_is_refused_even_for_a_superuser(bench: Workbench, shop: Shop, statement: str) -> None:
    shop.book()
    with bench.administrator() as administrator:
        turn_lease(administrator, shop, active=False)
        with pytest.raises(psycopg.Error, match="does not own") as refusal:
            run(administrator, statement, shop)
        assert refusal.value.sqlstate == "SL001"
        turn_lease(administrator, shop, active=True)
        with administrator.transaction(force_rollback=True):
            assert run(administrator, statement, shop) > 0


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_sql_with_an_older_snapshot_is_refused(bench: Workbench, shop: Shop, level: str) -> None:
    """An older snapshot might not see that the lease was deactivated."""
    with bench.administrator() as administrator:
        administrator.execute(SQL("BEGIN ISOLATION LEVEL {}").format(SQL(level)))
        with pytest.raises(psycopg.Error, match="READ COMMITTED") as refusal:
            run(administrator, "UPDATE scheduling.business SET name = 'Mine' WHERE business_id = %s", shop)
    assert refusal.value.sqlstate == "SL002"


def test_lease_of_another_incarnation_allows_no_write(bench: Workbench, shop: Shop) -> None:
    """It came with a backup or a standby, and the server that granted it may have decided otherwise since."""
    incarnation = "UPDATE scheduling.lease SET incarnation = {} WHERE business_id = %s"
    with bench.administrator() as administrator:
        run(administrator, incarnation.format("'7/1'"), shop)
        with pytest.raises(NotOwner):
            shop.book()
        assert shop.starts(), "reading goes on"
        for statement in STATEMENTS[:2]:
            with pytest.raises(psycopg.Error, match="does not own"):
                run(administrator, statement, shop)
        administrator.execute("SET ROLE scheduling_replicator")
        with pytest.raises(psycopg.Error, match="owns business"):
            run(administrator, "DELETE FROM scheduling.idempotency WHERE business_id = %s", shop)
        administrator.execute("RESET ROLE")
        run(administrator, incarnation.format("scheduling.incarnation()"), shop)
    assert shop.book().status == "booked"


def test_replicated_rows_do_not_need_the_lease(bench: Workbench, shop: Shop) -> None:
    with bench.administrator() as administrator:
        turn_lease(administrator, shop, active=False)
        administrator.execute("SET session_replication_role = replica")
        assert run(administrator, "UPDATE scheduling.business SET name = 'Moved' WHERE business_id = %s", shop) == 1


def test_a_writer_that_waited_for_the_fence_sees_its_lease(bench: Workbench, shop: Shop) -> None:
    with bench.fenced(shop.business_id) as mover:
        booking = Background(lambda: shop.book(at(9)))
        bench.waiting("begin_write")
        turn_lease(mover, shop, active=False)
    with pytest.raises(NotOwner):
        booking.result()
    assert bench.count("appointment", shop.business_id) == 0


def test_a_writer_continues_after_an_aborted_fence(bench: Workbench, shop: Shop) -> None:
    with bench.fenced(shop.business_id):
        booking = Background(lambda: shop.book(at(9)))
        bench.waiting("begin_write")
    assert booking.result().status == "booked"


def test_sql_waits_for_the_fence_too(bench: Workbench, shop: Shop) -> None:
    with bench.fenced(shop.business_id), bench.administrator() as other:
        other.execute("SET lock_timeout = '50ms'")
        with pytest.raises(pg.LockNotAvailable):
            run(other, "UPDATE scheduling.business SET name = 'Mine' WHERE business_id = %s", shop)


def test_the_fence_waits_for_open_writers(bench: Workbench, shop: Shop) -> None:
    """While the fence is held, no transaction on the business is open."""
    with bench.administrator() as writer, bench.administrator() as mover, writer.transaction():
        run(writer, "UPDATE scheduling.business SET name = name WHERE business_id = %s", shop)
        mover.execute("SET lock_timeout = '50ms'")
        with pytest.raises(pg.LockNotAvailable):
            mover.execute("SELECT pg_advisory_xact_lock(scheduling.fence_key(%s))", (shop.business_id,))


def test_a_fence_blocks_only_its_business(bench: Workbench, shop: Shop) -> None:
    other = bench.shop()
    with bench.fenced(shop.business_id):
        began = time.monotonic()
        assert other.book(at(9)).status == "booked"
        assert at(9) in shop.starts(), "and no reader"
        assert time.monotonic() - began < 1.0
