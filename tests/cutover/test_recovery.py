"""Restores and failovers: nothing is written until both databases and the record were compared."""

import json
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from deploy.backups.backup import take_backup
from monolith.cutover.controller import Controller
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.recovery import RecoveryWatch
from monolith.cutover.recovery_worker import RecoveryWorker
from monolith.cutover.store import cutovers
from monolith.cutover.store.servers import RecoveryRequired
from monolith.cutover.verification import compare
from tests.command_line import CommandLine
from tests.contract.port.shop import Shop, at
from tests.cutover.dying_controller import PassingChecks
from tests.cutover.replication_pair import start
from tests.cutover.restorable import NAMES, RestorableServers, accepts_writes, move, restored, silent
from tests.cutover.writers import opened, switched_port

pytestmark = pytest.mark.long


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


def watch_once(pair: SchedulingDatabases) -> None:
    watch = RecoveryWatch(pair)
    watch.step()
    watch.close()


def test_a_restore_of_one_side_fences_both_until_an_operator_chooses_the_rows(
    restorable: RestorableServers, extraction: CommandLine, tmp_path: Path
) -> None:
    pair, backup = restorable.pair, tmp_path / "backup"
    with switched_port(pair) as port:
        moved, stayed = opened(port), opened(port)
        start(pair)
        manifest = take_backup(restorable.admin_urls, backup, silent)
        move(pair, moved, "monolith", "scheduling")
        for minute in (0, 15, 30):
            moved.book(at(10, minute))
        with pair.scheduling.connect() as owner, pair.monolith.connect() as copy:
            assert compare(owner, copy, moved.business_id).equal
    restored(restorable, backup, manifest, "scheduling")

    pair = restorable.pair
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
    settles_the_rows(restorable, extraction, moved, stayed)


def settles_the_rows(restorable: RestorableServers, extraction: CommandLine, moved: Shop, stayed: Shop) -> None:
    """Recover without a choice first, then with the rows of the monolith's copy."""
    pair = restorable.pair
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
    assert actions(restorable.admin_urls["monolith"]) == [
        "recovery.wait", "recovery.applied", "recovery.switch", "recovery.applied",
    ]  # fmt: skip


def test_a_promoted_standby_that_lost_a_decision_does_not_bring_the_old_owner_back(
    restorable: RestorableServers, extraction: CommandLine
) -> None:
    pair = restorable.pair
    with switched_port(pair) as port:
        shop = opened(port)
        start(pair)
        shop.book(at(10))
        standby = restorable.standby("monolith")
        move(pair, shop, "monolith", "scheduling")
        shop.book(at(11))
    restorable.replace("monolith", standby)
    restorable.promote("monolith")

    pair = restorable.pair
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
    assert "recovery.record" in actions(restorable.admin_urls["monolith"])


def test_a_synchronous_failover_is_confirmed_by_the_daemon(restorable: RestorableServers) -> None:
    pair = restorable.pair
    watch = RecoveryWatch(pair, confirms=True)
    with switched_port(pair) as port:
        shop = opened(port)
        start(pair)
        with restorable.synchronous_standby("scheduling") as standby:
            move(pair, shop, "monolith", "scheduling")
            watch.step()
            restorable.servers["scheduling"].kill()
    restorable.replace("scheduling", standby)
    restorable.promote("scheduling")
    assert [accepts_writes(pair, name, shop, 0) for name in NAMES] == [False, False]
    # A daemon that never saw the former server cannot tell; the one that did confirms.
    assert writable_after(RecoveryWatch(pair, confirms=True), pair, shop) == [False, False]
    assert writable_after(watch, pair, shop) == [False, True]
    assert actions(restorable.admin_urls["monolith"]) == ["recovery.applied"]


def test_the_daemon_confirms_no_failover_to_an_asynchronous_standby(restorable: RestorableServers) -> None:
    pair = restorable.pair
    watch = RecoveryWatch(pair, confirms=True)
    with switched_port(pair) as port:
        shop = opened(port)
        start(pair)
        standby = restorable.standby("monolith")
        watch.step()
    restorable.replace("monolith", standby)
    restorable.promote("monolith")
    assert writable_after(watch, pair, shop) == [False, False], "record and leases agree, which proves nothing"
    assert actions(restorable.admin_urls["monolith"]) == []


def writable_after(watch: RecoveryWatch, pair: SchedulingDatabases, shop: Shop) -> list[bool]:
    """Let the watch look twice, and return which databases accept writes then."""
    for _ in range(2):
        watch.step()
    watch.close()
    return [accepts_writes(pair, name, shop, 0) for name in NAMES]
