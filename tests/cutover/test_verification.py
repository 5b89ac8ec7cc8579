"""Every difference between the two databases is found and named; replication lag is none."""

import importlib
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from monolith.cutover.databases import Connection, SchedulingDatabases
from monolith.cutover.verification import (
    Findings,
    check_invariants,
    compare,
    compare_recent,
    compare_since,
    full_comparison,
    read_recent,
)
from monolith.cutover.verification.table_rows import EXCLUDED_TABLES, read_tables
from tests.contract.port.shop import Shop, at
from tests.cutover.writers import opened, switched_port, writers
from tests.databases import Databases
from tests.polling import eventually

# The package exports a function of the same name.
checks = importlib.import_module("monolith.cutover.verification.invariants")


def read_in_pieces(monkeypatch: pytest.MonkeyPatch, *, by_bytes: bool) -> None:
    """Chunks of two rows instead of some thousand; bytewise order, as with databases of different collations."""
    monkeypatch.setattr(full_comparison, "SLICE_ROWS", 2)
    monkeypatch.setattr(checks, "_CHUNK_ROWS", 2)
    if by_bytes:
        monkeypatch.setattr(full_comparison, "_collation", lambda db: object())


@pytest.fixture(params=["at once", "in pieces", "in pieces, by bytes"])
def _read(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "at once":
        read_in_pieces(monkeypatch, by_bytes="bytes" in request.param)


@pytest.fixture
def _read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    read_in_pieces(monkeypatch, by_bytes=True)


@pytest.fixture
def shop(replicated: SchedulingDatabases) -> Iterator[Shop]:
    """A shop with rows in most tables."""
    with switched_port(replicated) as port:
        shop = opened(port)
        shop.block(at(16), at(17), reason="away")
        group = shop.add_offering("Class", duration_minutes=60, capacity=5)
        for hour in (9, 9, 10):
            shop.book(at(hour, day=1), offering_id=group.offering_id)
        for hour in (10, 11, 12):
            shop.book(at(hour))
        yield shop


@pytest.fixture
def source(replicated: SchedulingDatabases) -> Iterator[Connection]:
    with replicated.monolith.connect() as connection:
        yield connection


@pytest.fixture
def target(replicated: SchedulingDatabases) -> Iterator[Connection]:
    with replicated.scheduling.connect() as connection:
        yield connection


@pytest.fixture
def vandal(shared_databases: Databases) -> Iterator[psycopg.Connection[Any]]:
    """A connection whose changes bypass triggers and are not replicated."""
    origin = f"vandal_{uuid4().hex}"
    with psycopg.connect(shared_databases.scheduling_admin_url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SELECT pg_replication_origin_create(%s)", (origin,))
        connection.execute("SELECT pg_replication_origin_session_setup(%s)", (origin,))
        yield connection
        connection.execute("SELECT pg_replication_origin_session_reset()")
        connection.execute("SELECT pg_replication_origin_drop(%s)", (origin,))


def recent_findings(source: Connection, target: Connection, shop: Shop, since: datetime) -> Findings:
    """Compare as inside a fence."""
    return compare_recent(source, target, shop.business_id, read_recent(source, shop.business_id, since))


@pytest.mark.usefixtures("_read")
def test_copy_equals_its_source(source: Connection, target: Connection, shop: Shop) -> None:
    findings = compare(source, target, shop.business_id)
    assert findings.equal, findings.differences
    assert findings.tables["appointment"].rows == 6
    assert findings.tables["session"].rows == 2
    eventually(lambda: recent_findings(source, target, shop, findings.compared_from).equal)
    assert check_invariants(source, shop.business_id) == []


def test_replication_lag_is_not_a_difference(source: Connection, target: Connection, shop: Shop) -> None:
    with writers(shop, 3):
        for _ in range(5):
            findings = compare(source, target, shop.business_id)
            assert findings.equal, findings.differences
            time.sleep(0.05)
    assert check_invariants(source, shop.business_id) == []


def test_comparison_under_load_covers_all_earlier_writes(source: Connection, target: Connection, shop: Shop) -> None:
    began = compare(source, target, shop.business_id).compared_from
    with writers(shop, 3):
        for _ in range(5):
            findings = compare_since(source, target, shop.business_id, began)
            assert findings.equal, findings.differences
            assert findings.compared_from > began
            began = findings.compared_from
            time.sleep(0.05)
    eventually(lambda: recent_findings(source, target, shop, began).equal)


def test_open_write_is_included_in_the_next_comparison(
    source: Connection, target: Connection, replicated: SchedulingDatabases, shop: Shop
) -> None:
    """Its timestamp is earlier than its commit, so the later comparison must include it."""
    began = compare(source, target, shop.business_id).compared_from
    with replicated.monolith.connect("scheduling_app") as db, db.transaction():
        db.execute("SELECT pg_advisory_xact_lock_shared(scheduling.fence_key(%s))", (shop.business_id,))
        assert compare_since(source, target, shop.business_id, began, settle_seconds=0.2).compared_from == began
    assert compare_since(source, target, shop.business_id, began).compared_from > began


CHANGES = {
    "appointment": "UPDATE scheduling.appointment SET note = note || '!' WHERE business_id = %s",
    "assignment": "INSERT INTO scheduling.assignment SELECT business_id, offering_id, gen_random_uuid() "
    "FROM scheduling.offering WHERE business_id = %s LIMIT 1",
    "block": "UPDATE scheduling.block SET reason = '' WHERE business_id = %s",
    "business": "UPDATE scheduling.business SET name = 'Another' WHERE business_id = %s",
    "claim": "DELETE FROM scheduling.claim WHERE business_id = %s",
    "date_override": "INSERT INTO scheduling.date_override (business_id, provider_id, date, mode, opens, closes) "
    "SELECT business_id, provider_id, '2040-06-04', 'replace', '{}', '{}' FROM scheduling.provider "
    "WHERE business_id = %s",
    "fence_mark": "INSERT INTO scheduling.fence_mark VALUES (%s, 9, now())",
    "history": "UPDATE scheduling.history SET after = '' WHERE business_id = %s",
    "holiday": "INSERT INTO scheduling.holiday (business_id, date, name) VALUES (%s, '2040-06-04', 'Whit Monday')",
    "idempotency": "UPDATE scheduling.idempotency SET reply = '' WHERE business_id = %s",
    "offering": "UPDATE scheduling.offering SET duration_minutes = 5 WHERE business_id = %s",
    "provider": "UPDATE scheduling.provider SET zone = 'Europe/Paris' WHERE business_id = %s",
    "provider_offering": "DELETE FROM scheduling.provider_offering WHERE business_id = %s",
    "resource": "INSERT INTO scheduling.resource (business_id, resource_id, kind, name) "
    "VALUES (%s, gen_random_uuid(), 'room', 'Room')",
    "schedule": "INSERT INTO scheduling.schedule (business_id, provider_id, effective_from) "
    "SELECT business_id, provider_id, '2041-01-01' FROM scheduling.provider WHERE business_id = %s",
    "session": "UPDATE scheduling.session SET seats_taken = seats_taken + 1 WHERE business_id = %s",
    "waitlist": "INSERT INTO scheduling.waitlist "
    "SELECT business_id, gen_random_uuid(), offering_id, gen_random_uuid(), NULL, now(), now() + interval '1 day', 1, "
    "30, 'waiting', now() FROM scheduling.offering WHERE business_id = %s LIMIT 1",
    "weekly_hours": "UPDATE scheduling.weekly_hours SET closes_minute = closes_minute - 1 WHERE business_id = %s",
}


@pytest.mark.usefixtures("_read_in_pieces")
@pytest.mark.parametrize("table", CHANGES)
def test_difference_in_any_table_is_found_and_named(
    source: Connection, target: Connection, vandal: psycopg.Connection[Any], shop: Shop, table: str
) -> None:
    since = compare(source, target, shop.business_id).compared_from
    assert vandal.execute(CHANGES[table].encode(), (shop.business_id,)).rowcount >= 1
    for findings in (
        compare(source, target, shop.business_id, settle_seconds=0.1),
        recent_findings(source, target, shop, since),
        compare_since(source, target, shop.business_id, since, settle_seconds=0.1),
    ):
        assert not findings.equal
        assert {each.table for each in findings.differences} == {table}
        assert not findings.tables[table].equal


def test_every_table_is_compared_or_excluded_by_name(source: Connection) -> None:
    everything = {
        row[0]
        for row in source.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'scheduling'::regnamespace AND relkind = 'r'"
        ).fetchall()
    }
    assert {table.name for table in read_tables(source)} == everything - EXCLUDED_TABLES
    assert set(CHANGES) == everything - EXCLUDED_TABLES


def test_empty_text_differs_from_null(
    source: Connection, target: Connection, vandal: psycopg.Connection[Any], shop: Shop
) -> None:
    booked = shop.book(at(14))
    assert compare(source, target, shop.business_id).equal
    vandal.execute(
        "UPDATE scheduling.appointment SET cancel_reason = '' WHERE appointment_id = %s", (booked.appointment_id,)
    )
    findings = compare(source, target, shop.business_id, settle_seconds=0.1)
    assert [(each.table, each.key, each.what) for each in findings.differences] == [
        ("appointment", str(booked.appointment_id), "differs")
    ]


@pytest.mark.usefixtures("_read")
def test_row_in_one_database_only_is_reported_with_its_database(
    source: Connection, target: Connection, vandal: psycopg.Connection[Any], shop: Shop
) -> None:
    booked = shop.book(at(14))
    assert compare(source, target, shop.business_id).equal
    vandal.execute("DELETE FROM scheduling.history WHERE appointment_id = %s", (booked.appointment_id,))
    (missing,) = compare(source, target, shop.business_id, settle_seconds=0.1).differences
    assert (missing.table, missing.key, missing.what) == (
        "history",
        f"{booked.appointment_id}/1",
        "is missing at the target",
    )
    (extra,) = compare(target, source, shop.business_id, settle_seconds=0.1).differences
    assert extra.what == "is at the target only"


BROKEN = {
    "overlap": "UPDATE scheduling.claim SET ends_at = ends_at + interval '20 hours' WHERE business_id = %s",
    "seats taken differ": "UPDATE scheduling.session SET seats_taken = seats_taken + 1 WHERE business_id = %s",
    "no claim": "UPDATE scheduling.claim SET starts_at = starts_at + interval '1 minute' WHERE business_id = %s",
    "history": "DELETE FROM scheduling.history WHERE business_id = %s",
}


@pytest.mark.usefixtures("_read_in_pieces")
@pytest.mark.parametrize("words", BROKEN)
def test_violated_invariant_is_named(
    target: Connection, source: Connection, vandal: psycopg.Connection[Any], shop: Shop, words: str
) -> None:
    assert compare(source, target, shop.business_id).equal
    vandal.execute("ALTER TABLE scheduling.claim DROP CONSTRAINT IF EXISTS claim_no_overlap")
    vandal.execute(BROKEN[words].encode(), (shop.business_id,))
    assert any(words in each for each in check_invariants(target, shop.business_id))


def test_temporary_difference_is_not_reported(
    source: Connection, target: Connection, vandal: psycopg.Connection[Any], shop: Shop
) -> None:
    assert compare(source, target, shop.business_id).equal
    vandal.execute("UPDATE scheduling.business SET name = name || '?' WHERE business_id = %s", (shop.business_id,))

    def heal() -> None:
        time.sleep(0.3)
        vandal.execute(
            "UPDATE scheduling.business SET name = trim(name, '?') WHERE business_id = %s", (shop.business_id,)
        )

    thread = threading.Thread(target=heal)
    thread.start()
    assert compare(source, target, shop.business_id, settle_seconds=10).equal
    thread.join()
