"""Scheduling's writes wait for a consistent point of the databases, and never for longer than a limit."""

import time
from collections.abc import Iterator

import psycopg
import pytest

from contracts.scheduling.errors import Unavailable
from deploy.backups.consistent_point import mark_point
from deploy.errors import CommandError
from monolith.cutover.databases import SchedulingDatabases
from scheduling_service.engine import lease as leases
from tests.contract.port.shop import at
from tests.cutover.replication_pair import shop_at
from tests.databases import Databases


@pytest.fixture
def administrator(databases: Databases) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(databases.monolith_admin_url, autocommit=True) as db:
        yield db


def test_write_with_a_fresh_key_is_unavailable_while_writes_are_paused(
    pair: SchedulingDatabases, administrator: psycopg.Connection[tuple[object, ...]]
) -> None:
    """It is not refused as one that is already being executed: clients repeat it."""
    shop = shop_at(pair, "monolith")
    with administrator.transaction():
        leases.pause_writes(administrator, wait_ms=500)
        with pytest.raises(Unavailable):
            shop.book(at(9))
    assert shop.book(at(9)).status == "booked"


def test_pause_of_a_process_that_stands_still_ends(
    pair: SchedulingDatabases,
    administrator: psycopg.Connection[tuple[object, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leases, "LONGEST_PAUSE_MS", 200)
    shop = shop_at(pair, "monolith")
    administrator.execute("BEGIN")
    leases.pause_writes(administrator, wait_ms=500)
    assert shop.book(at(9)).status == "booked"
    with pytest.raises(psycopg.errors.TransactionTimeout):
        administrator.execute("SELECT 1")


def test_point_that_took_too_long_is_reported(
    administrator: psycopg.Connection[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stand_still(db: psycopg.Connection[tuple[object, ...]], *, wait_ms: int) -> None:
        leases.pause_writes(db, wait_ms=wait_ms)
        time.sleep(0.5)

    monkeypatch.setattr(leases, "LONGEST_PAUSE_MS", 200)
    monkeypatch.setattr("deploy.backups.consistent_point.pause_writes", stand_still)
    with pytest.raises(CommandError, match="stood still; repeat the command"):
        mark_point({"monolith": administrator}, "point")
