"""Replication in both directions: requirements, discarded copies, detected problems, and the stop."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from uuid_utils.compat import uuid7

from contracts.chassis.credentials import without_credentials
from deploy.databases.schemas import scheduling_target
from deploy.databases.set_up import set_up
from deploy.devstack.postgres import PostgresServer
from monolith.cutover import replication
from monolith.cutover.controller import Controller
from monolith.cutover.databases import REPLICATOR, SchedulingDatabase, SchedulingDatabases
from monolith.cutover.replication import CanaryLost, ReplicationRefused, send_canary
from monolith.cutover.replication.requirements import loses_rows
from monolith.cutover.replication.slot_creation import create_slot
from scheduling_service.engine import lease as leases
from tests.contract.port.shop import at
from tests.cutover.dying_controller import PassingChecks
from tests.cutover.replication_pair import administrator, same, shop_at, start
from tests.databases import Databases
from tests.faults.proxy import TcpProxy
from tests.polling import eventually


def test_missing_right_is_reported_with_its_grant(pair: SchedulingDatabases, databases: Databases) -> None:
    database = urlsplit(databases.scheduling_url).path[1:]
    administrator(databases, f"REVOKE CREATE ON DATABASE {database} FROM scheduling_replicator")
    with pytest.raises(ReplicationRefused, match=f"GRANT CREATE ON DATABASE {database} TO scheduling_replicator"):
        start(pair)


def test_different_schema_versions_are_refused(pair: SchedulingDatabases, databases: Databases) -> None:
    administrator(databases, "UPDATE scheduling.alembic_version SET version_num = '0002'")
    with pytest.raises(ReplicationRefused, match=r"different versions .\d+ in monolith, 0002 in scheduling"):
        start(pair)


@pytest.mark.parametrize(
    "version, refused", [(160_010, True), (170_005, True), (170_006, False), (180_000, True), (180_001, False)]
)
def test_releases_that_lose_changes_are_refused(version: int, refused: bool) -> None:
    assert loses_rows(version) == refused


def test_a_slot_that_waits_names_the_transactions_before_it(pair: SchedulingDatabases, databases: Databases) -> None:
    with (
        psycopg.connect(databases.monolith_admin_url) as writer,
        pair.monolith.connect(REPLICATOR, statement_seconds=0.0) as db,
    ):
        writer.execute("SELECT pg_current_xact_id()")
        with pytest.raises(ReplicationRefused, match=rf"server processes .*\b{writer.info.backend_pid}\b"):
            create_slot(pair.monolith, db, "waits_for_a_writer", wait_seconds=0.5)
        row = db.execute("SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'waits_for_a_writer'").fetchone()
        assert row == (0,)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"wal_level": "replica"}, "wal_level = replica: set wal_level = logical"),
        ({"max_slot_wal_keep_size": "-1"}, "without limit, until its disk is full: set max_slot_wal_keep_size"),
        ({"max_replication_slots": "3"}, "3 of its max_replication_slots = 3 left, and 4 are needed"),
    ],
    ids=["wal_level", "max_slot_wal_keep_size", "max_replication_slots"],
)
def test_server_with_unsuitable_settings_is_refused(
    pair: SchedulingDatabases, tmp_path: Path, settings: dict[str, str], words: str
) -> None:
    server = PostgresServer(tmp_path / "other", durable=False, settings=settings)
    server.start()
    try:
        secret = "secret-of-another-server"
        target = scheduling_target(server.admin_url("scheduling"), secret)
        set_up(target)
        with pytest.raises(ReplicationRefused, match=re.escape(words)):
            start(
                replace(pair, scheduling=SchedulingDatabase("scheduling", without_credentials(target.url), secret)),
                allow_unbounded_wal=False,
            )
    finally:
        server.stop()


def test_old_copies_are_discarded_only_on_request(pair: SchedulingDatabases) -> None:
    shop = shop_at(pair, "monolith")
    start(pair)
    assert same(pair, shop.business_id)
    assert replication.stop(pair.extraction) == []
    shop.book(at(9))
    with pytest.raises(ReplicationRefused, match=r"old copies of 1 business .* --discard-copies"):
        start(pair)
    start(pair, discard_copies=True)
    assert same(pair, shop.business_id)
    assert replication.stop(pair.extraction) == []


def test_rows_without_an_owner_are_refused(pair: SchedulingDatabases) -> None:
    shop = shop_at(pair, "scheduling")
    with pair.scheduling.connect() as mover:
        leases.fence(mover, shop.business_id, epoch=1, attempt=1, wait_ms=1_000)
    with pytest.raises(
        ReplicationRefused, match=f"rows that the other one lacks, of businesses without an owner .{shop.business_id}"
    ):
        start(pair, discard_copies=True)


def test_replicator_cannot_discard_an_owned_business(pair: SchedulingDatabases) -> None:
    shop = shop_at(pair, "scheduling")
    with pair.scheduling.connect(REPLICATOR) as db, pytest.raises(psycopg.Error, match="owns business"):
        db.execute("DELETE FROM scheduling.idempotency WHERE business_id = %s", (shop.business_id,))


# ---- failures while it runs


@contextmanager
def behind_a_proxy(pair: SchedulingDatabases) -> Iterator[tuple[SchedulingDatabases, TcpProxy]]:
    """The proxy through which the service's database reaches the monolith's."""
    monolith = urlsplit(pair.monolith.url)
    assert monolith.hostname is not None
    assert monolith.port is not None
    with TcpProxy(monolith.hostname, monolith.port) as proxy:
        seen = replace(pair.monolith, seen_from_other=f"127.0.0.1:{proxy.port}")
        yield replace(pair, monolith=seen), proxy


@pytest.mark.long
def test_network_outage_is_reported_and_survived(pair: SchedulingDatabases) -> None:
    with behind_a_proxy(pair) as (apart, proxy):
        shop = shop_at(apart, "monolith")
        start(apart)
        with proxy.unreachable():
            eventually(
                lambda: (
                    "not streaming" in " ".join(replication.find_problems(apart.extraction, max_lag_bytes=1_000_000))
                ),
                "told",
            )
            shop.book(at(9))
            with pytest.raises(CanaryLost, match=r"from monolith to scheduling within 0.3 s"):
                send_canary(apart.extraction, "monolith", seconds=0.3)
            with Controller(apart, PassingChecks()) as controller, pytest.raises(LookupError):
                controller.drive(uuid7())
        eventually(lambda: replication.find_problems(apart.extraction, max_lag_bytes=1_000_000) == [], "streams again")
        assert same(apart, shop.business_id)
        assert replication.stop(apart.extraction) == []


def test_broken_reverse_direction_is_detected(stopped_at_the_end: SchedulingDatabases) -> None:
    pair = stopped_at_the_end
    start(pair)
    with pair.monolith.connect(REPLICATOR) as db:
        row = db.execute("SELECT subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid "
                         "WHERE d.datname = current_database()").fetchone()  # fmt: skip
        assert row is not None
        db.execute(f"ALTER SUBSCRIPTION {row[0]} DISABLE".encode())
    assert any("disabled" in problem for problem in replication.find_problems(pair.extraction, max_lag_bytes=1_000_000))
    with pytest.raises(CanaryLost, match="back from scheduling to monolith"):
        send_canary(pair.extraction, "monolith", seconds=0.5)


def test_lost_slot_is_reported_with_its_remedy(pair: SchedulingDatabases, databases: Databases) -> None:
    start(pair)
    name = None
    with psycopg.connect(databases.monolith_admin_url, autocommit=True) as db:
        row = db.execute(
            "SELECT slot_name, active_pid FROM pg_replication_slots WHERE database = current_database()"
        ).fetchone()
        assert row is not None
        name = row[0]
    with pair.scheduling.connect(REPLICATOR) as db:
        db.execute(f"ALTER SUBSCRIPTION {name} DISABLE".encode())
    with psycopg.connect(databases.monolith_admin_url, autocommit=True) as db:
        eventually(
            lambda: db.execute(
                "SELECT 1 FROM pg_replication_slots WHERE slot_name = %s AND NOT active", (name,)
            ).fetchone(),
            "inactive",
        )
        db.execute("SELECT pg_drop_replication_slot(%s)", (name,))
    assert any(
        "--discard-copies" in problem for problem in replication.find_problems(pair.extraction, max_lag_bytes=1_000_000)
    )
    with pytest.raises(ReplicationRefused, match=r"the slot of monolith to scheduling .* is gone: .*--discard-copies"):
        start(pair)
    assert replication.stop(pair.extraction) == []
    start(pair, discard_copies=True)
    eventually(
        lambda: replication.find_problems(pair.extraction, max_lag_bytes=1_000_000) == [], "that both directions stream"
    )
    assert replication.stop(pair.extraction) == []


def test_stop_is_idempotent(pair: SchedulingDatabases) -> None:
    start(pair)
    assert replication.stop(pair.extraction) == []
    assert replication.stop(pair.extraction) == []
    found = replication.read_status(pair.extraction)
    assert [each.subscribed for each in found.directions] == [False, False]
