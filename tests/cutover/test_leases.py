"""Fence, release and activate in one database: each takes effect once, however often and late it is repeated."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
import pytest
from uuid_utils.compat import uuid7

from monolith.cutover.databases import Connection, SchedulingDatabase
from scheduling_service.engine import lease as leases
from scheduling_service.engine.lease import Lease, LeaseValidity, WritersStillActive
from tests.databases import Databases
from tests.polling import eventually


@pytest.fixture
def scheduling(databases: Databases) -> SchedulingDatabase:
    return SchedulingDatabase("scheduling", databases.scheduling_url, databases.role_secret)


@pytest.fixture
def mover(scheduling: SchedulingDatabase) -> Iterator[Connection]:
    with scheduling.connect() as connection:
        yield connection


@pytest.fixture
def business(mover: Connection) -> UUID:
    business_id = uuid7()
    leases.activate(mover, business_id, epoch=1, attempt=0)
    return business_id


def fence(mover: Connection, business: UUID, attempt: int = 1, *, epoch: int = 1, wait_ms: int = 500) -> object:
    return leases.fence(mover, business, epoch=epoch, attempt=attempt, wait_ms=wait_ms)


@contextmanager
def writing(scheduling: SchedulingDatabase, business: UUID) -> Iterator[None]:
    """Hold a transaction open that writes the business."""
    with scheduling.connect("scheduling_app") as writer, writer.transaction():
        writer.execute("SELECT pg_advisory_xact_lock_shared(scheduling.fence_key(%s))", (business,))
        yield


def test_fence_deactivates_the_lease_and_inserts_a_watermark(mover: Connection, business: UUID) -> None:
    before = datetime.now(UTC)
    fenced = leases.fence(mover, business, epoch=1, attempt=1, wait_ms=500)
    assert fenced is not None
    assert fenced.fenced_at >= before
    assert leases.read_lease(mover, business) == Lease(active=False, epoch=1, attempt=1)
    assert leases.has_watermark(mover, business, 1)
    assert not leases.has_watermark(mover, business, 2)


def test_fence_is_idempotent(mover: Connection, business: UUID) -> None:
    first, second = (leases.fence(mover, business, epoch=1, attempt=1, wait_ms=500) for _ in range(2))
    assert first is not None
    assert second is not None
    assert second.fenced_at == first.fenced_at


def test_fence_waits_for_open_writes(scheduling: SchedulingDatabase, mover: Connection, business: UUID) -> None:
    fenced: list[object] = []
    with writing(scheduling, business):
        thread = threading.Thread(target=lambda: fenced.append(fence(mover, business, wait_ms=5_000)))
        thread.start()
        with scheduling.connect() as watcher:
            eventually(lambda: watcher.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone() is not None)
            assert leases.read_lease(watcher, business) == Lease(active=True, epoch=1, attempt=0)
    thread.join()
    assert fenced != [None]
    assert leases.read_lease(mover, business) == Lease(active=False, epoch=1, attempt=1)


def test_open_transaction_prevents_the_fence_and_is_named(
    scheduling: SchedulingDatabase, mover: Connection, business: UUID
) -> None:
    with (
        writing(scheduling, business),
        pytest.raises(WritersStillActive, match=r"backend [0-9]+ of scheduling_app, open for"),
    ):
        fence(mover, business, wait_ms=50)
    assert leases.read_lease(mover, business) == Lease(active=True, epoch=1, attempt=0)
    assert fence(mover, business) is not None


@pytest.mark.parametrize("lease", [(1, 0), (1, 1)], ids=["before the fence", "after it"])
def test_late_fence_of_a_released_attempt_has_no_effect(
    mover: Connection, business: UUID, lease: tuple[int, int]
) -> None:
    if lease[1]:
        fence(mover, business)
    assert leases.release(mover, business, epoch=1, attempt=1) == Lease(active=True, epoch=1, attempt=1)
    assert fence(mover, business) is None
    assert leases.read_lease(mover, business) == Lease(active=True, epoch=1, attempt=1)
    assert fence(mover, business, attempt=2) is not None


def test_late_release_does_not_open_a_later_fence(mover: Connection, business: UUID) -> None:
    fence(mover, business, attempt=2)
    assert leases.release(mover, business, epoch=1, attempt=1) == Lease(active=False, epoch=1, attempt=2)


def test_fence_of_another_epoch_has_no_effect(mover: Connection, business: UUID) -> None:
    assert fence(mover, business, epoch=2) is None
    assert leases.read_lease(mover, business) == Lease(active=True, epoch=1, attempt=0)


def test_lease_is_activated_once_per_epoch(mover: Connection) -> None:
    business = uuid4()
    assert leases.activate(mover, business, epoch=2, attempt=1) == Lease(active=True, epoch=2, attempt=1)
    fence(mover, business, attempt=2, epoch=2)
    # A delayed activation of an earlier cutover.
    assert leases.activate(mover, business, epoch=2, attempt=1) == Lease(active=False, epoch=2, attempt=2)
    assert leases.activate(mover, business, epoch=4, attempt=3) == Lease(active=True, epoch=4, attempt=3)


def test_preparing_a_session_changes_nothing(mover: Connection, business: UUID) -> None:
    leases.prepare_fence(mover)
    leases.prepare_activation(mover)
    assert mover.execute("SELECT business_id, active, epoch FROM scheduling.lease").fetchall() == [(business, True, 1)]
    assert mover.execute("SELECT 1 FROM scheduling.fence_mark").fetchone() is None


def test_mover_role_cannot_change_business_rows(mover: Connection, business: UUID) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        mover.execute("DELETE FROM scheduling.appointment")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        mover.execute("UPDATE scheduling.business SET name = 'mine'")


def test_prepared_transaction_prevents_the_fence_and_is_named(
    databases: Databases, scheduling: SchedulingDatabase, mover: Connection, business: UUID
) -> None:
    """They hold their locks without a session, even over restarts."""
    with psycopg.connect(databases.scheduling_admin_url, autocommit=True) as administrator:
        name = f"prepared {business}"
        administrator.execute("BEGIN")
        administrator.execute("SELECT pg_advisory_xact_lock_shared(scheduling.fence_key(%s))", (business,))
        administrator.execute(f"PREPARE TRANSACTION '{name}'".encode())
        try:
            with pytest.raises(WritersStillActive, match="prepared transaction"):
                fence(mover, business, wait_ms=50)
        finally:
            administrator.execute(f"ROLLBACK PREPARED '{name}'".encode())
    assert fence(mover, business) is not None


def test_lease_of_another_incarnation_is_void_until_it_is_confirmed(
    mover: Connection, business: UUID, databases: Databases
) -> None:
    """The rows of a restored database, and of a promoted standby, name the server that they came from."""
    incarnation = leases.read_incarnation(mover)
    assert leases.read_validity(mover) == LeaseValidity(incarnation, foreign=False, void=False)
    with psycopg.connect(databases.scheduling_admin_url, autocommit=True) as administrator:
        administrator.execute("UPDATE scheduling.lease SET incarnation = %s || '9'", (incarnation,))
    assert leases.read_validity(mover) == LeaseValidity(incarnation, foreign=True, void=True)
    assert fence(mover, business) is None
    # An abort that arrives late makes it active, but not valid.
    assert leases.release(mover, business, epoch=1, attempt=2) == Lease(active=True, epoch=1, attempt=2)
    assert fence(mover, business, attempt=3) is None
    # The decision expected the server as it was.
    for target, found in ((business, Lease(active=True, epoch=1, attempt=2)), (uuid4(), None)):
        assert leases.activate(mover, target, epoch=2, attempt=3, incarnation=f"{incarnation}9") == found
    leases.void_all(mover)
    assert leases.read_validity(mover) == LeaseValidity(incarnation, foreign=False, void=True)
    leases.confirm(mover, business, Lease(active=True, epoch=4, attempt=3))
    assert leases.read_validity(mover) == LeaseValidity(incarnation, foreign=False, void=False)
    assert fence(mover, business, attempt=4, epoch=4) is not None


def test_voiding_waits_for_open_writes(scheduling: SchedulingDatabase, mover: Connection, business: UUID) -> None:
    with writing(scheduling, business):
        thread = threading.Thread(target=leases.void_all, args=(mover,))
        thread.start()
        with scheduling.connect() as watcher:
            eventually(lambda: watcher.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone() is not None)
            assert not leases.read_validity(watcher).void
    thread.join()
    assert leases.read_validity(mover).void
