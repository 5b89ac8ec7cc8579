"""A copy is kept while its owner may have lost rows, or is no longer the owner."""

import json
from pathlib import Path

import pytest

from deploy.backups.backup import take_backup
from monolith.cutover import replication
from monolith.cutover.copies import FinalizeRefused, discard_copies
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.finalize import finalize_extraction
from monolith.cutover.replication import ReplicationRefused
from monolith.cutover.service import ControlPlane
from monolith.cutover.store.servers import RecoveryRequired
from scheduling_service.engine import lease as leases
from tests.command_line import CommandLine
from tests.contract.port.shop import at
from tests.cutover.replication_pair import administrator, start
from tests.cutover.restorable import RestorableServers, restored, silent
from tests.cutover.test_deletion_of_copies import FINALIZE, bookings, moved_shop, refusal
from tests.cutover.writers import opened, switched_port
from tests.databases import Databases

START_AGAIN = ("replicate", "start", "--discard-copies")


@pytest.mark.long
def test_the_copies_of_a_restored_service_are_kept_until_it_is_recovered(
    restorable: RestorableServers, extraction: CommandLine, tmp_path: Path
) -> None:
    pair, backup = restorable.pair, tmp_path / "backup"
    with moved_shop(pair) as shop:
        manifest = take_backup(restorable.admin_urls, backup, silent)
        shop.book(at(10))
        replication.send_canary(pair.extraction, "scheduling", seconds=20.0)
    restored(restorable, backup, manifest, "scheduling")

    pair = restorable.pair
    for command in (FINALIZE, ("replicate", "start"), ("reset", "--yes")):
        assert "the scheduling database was restored or failed over" in refusal(extraction(*command))
    reported = extraction("replicate", "status").stdout
    assert ("run `extraction recover`" in reported, "--discard-copies" in reported) == (True, False)
    assert json.loads(extraction("replicate", "status", "--json").stdout)["directions"][0]["void"]
    assert extraction("replicate", "stop").returncode == 0
    assert "run `extraction recover`" in refusal(extraction(*START_AGAIN))
    with pytest.raises(ReplicationRefused, match="leases of the scheduling database are void"):
        start(pair, discard_copies=True)
    assert bookings(pair, shop.business_id) == {"monolith": 2, "scheduling": 1}

    assert extraction("recover", "--yes", "--keep", "monolith").returncode == 0
    assert extraction(*START_AGAIN).returncode == 0
    assert bookings(pair, shop.business_id) == {"monolith": 2, "scheduling": 2}


@pytest.mark.long
def test_the_copies_of_a_restored_monolith_are_kept_until_it_is_recovered(
    restorable: RestorableServers, extraction: CommandLine, tmp_path: Path
) -> None:
    pair, backup = restorable.pair, tmp_path / "backup"
    with switched_port(pair) as port:
        shop = opened(port)
        start(pair)
        manifest = take_backup(restorable.admin_urls, backup, silent)
        shop.book(at(9))
        replication.send_canary(pair.extraction, "monolith", seconds=20.0)
    restored(restorable, backup, manifest, "monolith")

    pair = restorable.pair
    for command in (("reset", "--yes"), FINALIZE, START_AGAIN):
        assert "the monolith database was restored or failed over" in refusal(extraction(*command))
    assert bookings(pair, shop.business_id) == {"monolith": 0, "scheduling": 1}


def test_a_copy_is_kept_unless_its_owner_has_the_recorded_lease(pair: SchedulingDatabases) -> None:
    with moved_shop(pair) as shop:
        assert replication.stop(pair.extraction) == []
    for spoil in ("SET active = false", "SET epoch = epoch + 1"):
        with pair.scheduling.connect() as db:
            before = leases.read_lease(db, shop.business_id)
            assert before is not None
            db.execute(f"UPDATE scheduling.lease {spoil} WHERE business_id = %s".encode(), (shop.business_id,))
            with pytest.raises(FinalizeRefused, match=r"scheduling owns .* but does not serve it"):
                discard_copies(pair, "monolith", silent)
            leases.confirm(db, shop.business_id, before)
    with pair.scheduling.connect() as db:
        leases.void_all(db)
    with pytest.raises(FinalizeRefused, match=r"scheduling owns .* but does not serve it"):
        discard_copies(pair, "monolith", silent)
    with pytest.raises(RecoveryRequired, match="scheduling"):
        finalize_extraction(pair, "scheduling", silent)
    assert bookings(pair, shop.business_id) == {"monolith": 1, "scheduling": 1}


def test_an_accepted_loss_requires_no_further_recovery(
    pair: SchedulingDatabases, databases: Databases, plane: ControlPlane
) -> None:
    with switched_port(pair) as port:
        shop = opened(port)
    lose = "SET session_replication_role = replica; DELETE FROM scheduling.business"
    administrator(databases, lose, "monolith")
    evidence = plane.recovery.fence()
    accepted = plane.recovery.plan(evidence, {shop.business_id: "owner"})
    assert [each.action for each in accepted.businesses] == ["closed"]
    plane.recovery.apply(evidence, accepted, actor="tests", reason="nothing is left")
    assert not plane.recovery.inspect().needs_recovery
