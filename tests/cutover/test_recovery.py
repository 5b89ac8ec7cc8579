"""Backups, restores and failovers: nothing is written until both databases and the record were compared."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from contracts.scheduling.models import Appointment
from contracts.scheduling.values import DatabaseName
from deploy.backups.backup import take_backup
from deploy.backups.manifest import NAMES, Manifest, Name
from deploy.backups.restore import restore
from deploy.errors import CommandError
from monolith.cutover import replication
from monolith.cutover.controller import Controller
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.recovery import RecoveryWatch
from monolith.cutover.recovery.evidence import APPENDED
from monolith.cutover.recovery_worker import RecoveryWorker
from monolith.cutover.store import cutovers
from monolith.cutover.store.servers import RecoveryRequired
from monolith.cutover.verification import compare
from tests.command_line import CommandLine
from tests.contract.port.shop import Shop, at
from tests.cutover.dying_controller import PassingChecks
from tests.cutover.replication_pair import start
from tests.cutover.restorable import RestorableServers, accepts_writes, restorable_servers
from tests.cutover.writers import opened, switched_port, writers

pytestmark = pytest.mark.long


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[RestorableServers]:
    with restorable_servers(tmp_path) as running:
        yield running


@pytest.fixture
def extraction(
    servers: RestorableServers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(servers.settings, monkeypatch, capsys)


def silent(line: str) -> None:
    pass


def move(pair: SchedulingDatabases, shop: Shop, source: DatabaseName, target: DatabaseName) -> None:
    with Controller(pair, PassingChecks()) as controller:
        moved = controller.cut_over(
            shop.business_id, source, target, fence_seconds=10, actor="tests", reason="before the disaster"
        )
    assert moved.state == "active", moved.problem


def recorded(pair: SchedulingDatabases, business_id: UUID) -> tuple[str, int]:
    with pair.control_db() as control_db:
        row = control_db.execute(
            "SELECT owner, epoch FROM cutover.ownership WHERE business_id = %s", (business_id,)
        ).fetchone()
    assert row is not None
    return row[0], row[1]


def actions(url: str) -> list[str]:
    with psycopg.connect(url) as db:
        rows = db.execute(
            "SELECT action FROM platform.audit WHERE action LIKE 'recovery.%' ORDER BY recorded_at, audit_id"
        )
        return [row[0] for row in rows.fetchall()]


def restored(servers: RestorableServers, backup: Path, manifest: Manifest, *names: Name) -> None:
    for name in names:
        folder = servers.new_folder(name)
        restore(backup, manifest, name, folder / "data", silent)
        servers.replace(name, folder)


def watch_once(pair: SchedulingDatabases) -> None:
    watch = RecoveryWatch(pair)
    watch.step()
    watch.close()


def test_a_backup_under_load_restores_both_databases_to_one_point(
    servers: RestorableServers, extraction: CommandLine, tmp_path: Path
) -> None:
    pair, backup = servers.pair, tmp_path / "backup"
    with switched_port(pair) as port:
        busy, quiet = opened(port), opened(port)
        quiet.book(at(9))
        start(pair)
        move(pair, busy, "monolith", "scheduling")
        with writers(busy, 3) as ledger:
            before = dict(ledger.told)
            while len(before) < 20:
                before = dict(ledger.told)
            manifest = take_backup(servers.admin_urls, backup, silent)
        ledger.require_true(pair, busy.business_id, "scheduling")
    assert manifest.paused_ms < 5_000
    originals = rows_of(pair, quiet.business_id)
    restored(servers, backup, manifest, *NAMES)
    pair = servers.pair

    assert rows_of(pair, quiet.business_id) == originals
    holds_the_ledger(pair, busy.business_id, before, ledger.told)
    assert [accepts_writes(pair, name, quiet, 0) for name in NAMES] == [False, False]

    found = extraction("recover", "--dry-run")
    assert found.returncode == 1
    assert found.stdout.count("restored or failed over; the record knows") == 2
    assert "confirm scheduling in epoch 2" in found.stdout
    assert extraction("recover", "--yes").returncode == 0
    assert "nothing to recover" in extraction("recover").stdout
    assert [accepts_writes(pair, name, quiet, 15) for name in NAMES] == [True, False]
    assert [accepts_writes(pair, name, busy, 0) for name in NAMES] == [False, True]
    start(pair, discard_copies=True)
    assert replication.stop(pair.extraction) == []


def holds_the_ledger(
    pair: SchedulingDatabases, business_id: UUID, before: Mapping[UUID, Appointment], told: Mapping[UUID, Appointment]
) -> None:
    """Assert that everything acknowledged `before` is there and nothing that was not requested, and that the copy is
    not ahead."""
    with pair.scheduling.connect() as owner, pair.monolith.connect() as copy:
        rows = owner.execute(
            "SELECT appointment_id, version FROM scheduling.appointment WHERE business_id = %s", (business_id,)
        ).fetchall()
        held: dict[UUID, int] = dict(rows)
        assert {each for each, told in before.items() if held.get(each, 0) < told.version} == set()
        assert set(held) <= set(told)
        differences = compare(owner, copy, business_id).differences
        assert [each for each in differences if each.table in APPENDED and "target only" in each.what] == []


def rows_of(pair: SchedulingDatabases, business_id: UUID) -> list[object]:
    """Return every row of the business in the monolith's database, as text, sorted."""
    tables = (
        "business",
        "offering",
        "provider",
        "weekly_hours",
        "appointment",
        "claim",
        "history",
        "idempotency",
        "lease",
    )
    with pair.monolith.connect() as db:
        return [
            db.execute(
                f"SELECT to_jsonb(t) - 'incarnation' FROM scheduling.{table} t WHERE business_id = %s ORDER BY 1",
                (business_id,),
            ).fetchall()
            for table in tables
        ]


def test_a_restore_of_one_side_fences_both_until_an_operator_chooses_the_rows(
    servers: RestorableServers, extraction: CommandLine, tmp_path: Path
) -> None:
    pair, backup = servers.pair, tmp_path / "backup"
    with switched_port(pair) as port:
        moved, stayed = opened(port), opened(port)
        start(pair)
        manifest = take_backup(servers.admin_urls, backup, silent)
        move(pair, moved, "monolith", "scheduling")
        for minute in (0, 15, 30):
            moved.book(at(10, minute))
        with pair.scheduling.connect() as owner, pair.monolith.connect() as copy:
            assert compare(owner, copy, moved.business_id).equal
    restored(servers, backup, manifest, "scheduling")

    pair = servers.pair
    assert not accepts_writes(pair, "scheduling", moved, 0)
    watch_once(pair)
    assert [accepts_writes(pair, name, shop, 0) for name in NAMES for shop in (moved, stayed)] == [False] * 4
    with Controller(pair, PassingChecks()) as controller, pytest.raises(RecoveryRequired, match="scheduling"):
        controller.cut_over(
            stayed.business_id, "monolith", "scheduling", fence_seconds=2, actor="tests", reason="too early"
        )

    planned = json.loads(extraction("recover", "--dry-run", "--json").stdout)
    assert [planned["servers"][name]["replaced"] for name in NAMES] == [False, True]
    of_moved = next(each for each in planned["businesses"] if each["business"] == str(moved.business_id))
    assert (of_moved["action"], "rows that its owner lost" in of_moved["found"]) == ("wait", True)
    settles_the_rows(servers, extraction, moved, stayed)


def settles_the_rows(servers: RestorableServers, extraction: CommandLine, moved: Shop, stayed: Shop) -> None:
    """Recover without a choice first, then with the rows of the monolith's copy."""
    pair = servers.pair
    waiting = extraction("recover", "--yes")
    assert (waiting.returncode, "1 stay fenced: choose" in waiting.stdout) == (1, True)
    assert [accepts_writes(pair, name, stayed, 0) for name in NAMES] == [True, False]
    assert [accepts_writes(pair, name, moved, 0) for name in NAMES] == [False, False]

    assert extraction("recover", "--yes", "--keep", "monolith", "--reason", "it has every booking").returncode == 0
    assert recorded(pair, moved.business_id) == ("monolith", 4)
    assert [accepts_writes(pair, name, moved, 0) for name in NAMES] == [True, False]
    with pair.monolith.connect() as db:
        row = db.execute(
            "SELECT count(*) FROM scheduling.appointment WHERE business_id = %s", (moved.business_id,)
        ).fetchone()
    assert row == (4,)
    assert actions(servers.admin_urls["monolith"]) == [
        "recovery.wait", "recovery.applied", "recovery.switch", "recovery.applied",
    ]  # fmt: skip


def test_a_promoted_standby_that_lost_a_decision_does_not_bring_the_old_owner_back(
    servers: RestorableServers, extraction: CommandLine
) -> None:
    pair = servers.pair
    with switched_port(pair) as port:
        shop = opened(port)
        start(pair)
        shop.book(at(10))
        standby = servers.standby("monolith")
        move(pair, shop, "monolith", "scheduling")
        shop.book(at(11))
    servers.replace("monolith", standby)
    servers.promote("monolith")

    pair = servers.pair
    assert recorded(pair, shop.business_id) == ("monolith", 1), "the standby lost the decision, and the fence"
    assert not accepts_writes(pair, "monolith", shop, 0)
    watch_once(pair)
    assert [accepts_writes(pair, name, shop, 0) for name in NAMES] == [False, False]
    # No worker settles cutovers that are in progress in a restored record.
    worker = RecoveryWorker(pair)
    with pair.control_db() as control_db:
        assert worker.step() == 0
        worker.close()
        assert extraction("recover", "--yes").returncode == 0
        assert cutovers.unsettled(control_db) == []
    assert recorded(pair, shop.business_id) == ("scheduling", 2)
    assert [accepts_writes(pair, name, shop, 0) for name in NAMES] == [False, True]
    assert "recovery.record" in actions(servers.admin_urls["monolith"])


def test_a_synchronous_failover_is_confirmed_by_the_daemon(servers: RestorableServers) -> None:
    pair = servers.pair
    watch = RecoveryWatch(pair, confirms=True)
    with switched_port(pair) as port:
        shop = opened(port)
        start(pair)
        with servers.synchronous_standby("scheduling") as standby:
            move(pair, shop, "monolith", "scheduling")
            watch.step()
            servers.servers["scheduling"].kill()
    servers.replace("scheduling", standby)
    servers.promote("scheduling")
    assert [accepts_writes(pair, name, shop, 0) for name in NAMES] == [False, False]
    # A daemon that never saw the former server cannot tell; the one that did confirms.
    assert writable_after(RecoveryWatch(pair, confirms=True), pair, shop) == [False, False]
    assert writable_after(watch, pair, shop) == [False, True]
    assert actions(servers.admin_urls["monolith"]) == ["recovery.applied"]


def test_the_daemon_confirms_no_failover_to_an_asynchronous_standby(servers: RestorableServers) -> None:
    pair = servers.pair
    watch = RecoveryWatch(pair, confirms=True)
    with switched_port(pair) as port:
        shop = opened(port)
        start(pair)
        standby = servers.standby("monolith")
        watch.step()
    servers.replace("monolith", standby)
    servers.promote("monolith")
    assert writable_after(watch, pair, shop) == [False, False], "record and leases agree, which proves nothing"
    assert actions(servers.admin_urls["monolith"]) == []


def writable_after(watch: RecoveryWatch, pair: SchedulingDatabases, shop: Shop) -> list[bool]:
    """Let the watch look twice, and return which databases accept writes then."""
    for _ in range(2):
        watch.step()
    watch.close()
    return [accepts_writes(pair, name, shop, 0) for name in NAMES]


def test_an_incomplete_or_damaged_backup_is_refused(servers: RestorableServers, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    manifest = take_backup(servers.admin_urls, backup, silent)
    with pytest.raises(CommandError, match="is not empty"):
        take_backup(servers.admin_urls, backup, silent)
    with pytest.raises(CommandError, match="did not reach extraction_never"):
        restore(backup, Manifest("extraction_never", "", 0, manifest.databases), "monolith", tmp_path / "data", silent)
    victim = next((backup / "scheduling/base/base").rglob("PG_VERSION"))
    victim.write_text("damaged")
    with pytest.raises(CommandError, match="pg_verifybackup failed"):
        restore(backup, manifest, "scheduling", tmp_path / "other", silent)
