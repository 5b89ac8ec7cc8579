"""Backups of all databases to one point, taken while the product is in use, and their restore."""

import json
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import pytest

from contracts.chassis.credentials import without_credentials
from contracts.scheduling.models import Appointment
from deploy.backups.backup import take_backup
from deploy.backups.manifest import Manifest
from deploy.backups.restore import restore
from deploy.errors import CommandError
from monolith.cutover import replication
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.recovery.evidence import APPENDED
from monolith.cutover.verification import compare
from tests.command_line import CommandLine
from tests.contract.port.shop import at
from tests.cutover.replication_pair import start
from tests.cutover.restorable import NAMES, RestorableServers, accepts_writes, move, restored, silent
from tests.cutover.several_databases import SECOND, active_in, register, shop_in
from tests.cutover.writers import opened, switched_port, writers

pytestmark = pytest.mark.long


def test_a_backup_under_load_restores_both_databases_to_one_point(
    restorable: RestorableServers, extraction: CommandLine, tmp_path: Path
) -> None:
    pair, backup = restorable.pair, tmp_path / "backup"
    with switched_port(pair) as port:
        busy, quiet = opened(port), opened(port)
        quiet.book(at(9))
        start(pair)
        move(pair, busy, "monolith", "scheduling")
        with writers(busy, 3) as ledger:
            before = dict(ledger.told)
            while len(before) < 20:
                before = dict(ledger.told)
            manifest = take_backup(restorable.admin_urls, backup, silent)
        ledger.require_true(pair, busy.business_id, "scheduling")
    assert manifest.paused_ms < 5_000
    originals = rows_of(pair, quiet.business_id)
    restored(restorable, backup, manifest, *NAMES)
    pair = restorable.pair

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


def test_a_backup_restores_a_further_database_with_the_others(
    restorable: RestorableServers, extraction: CommandLine, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    restorable.start(SECOND)
    register(restorable.pair, without_credentials(restorable.admin_urls[SECOND]))
    with shop_in(restorable.registered, SECOND) as shop:
        shop.book(at(10))
        refused = extraction("backup", str(backup))
        assert (refused.returncode, "SCHEDULING_2_DATABASE_URL is not set" in refused.stderr) == (2, True)
        made = extraction("backup", str(backup), SCHEDULING_2_DATABASE_URL=restorable.admin_urls[SECOND])
        assert (made.returncode, "restores monolith, scheduling, scheduling-2 to" in made.stdout) == (0, True)
        shop.book(at(11))
    folders = {name: restorable.new_folder(name) for name in restorable.servers}
    directories = [f"--{name}={folders[name] / 'data'}" for name in NAMES]
    done = extraction("restore", str(backup), *directories, f"--database={SECOND}={folders[SECOND] / 'data'}")
    assert done.returncode == 0, done.stderr
    for name, folder in folders.items():
        restorable.replace(name, folder)

    databases = restorable.registered
    assert not accepts_writes(databases, SECOND, shop, 0)
    assert extraction("recover", "--yes").returncode == 0
    assert active_in(databases, shop.business_id) == [SECOND]
    assert accepts_writes(databases, SECOND, shop, 0)
    with databases.at(SECOND).connect() as db:
        rows = db.execute("SELECT count(*) FROM scheduling.appointment").fetchone()
    assert rows == (2,), "that of before the backup, and the one of just now"


def test_a_backup_leaves_out_a_further_database_only_if_it_is_named(
    restorable: RestorableServers, extraction: CommandLine, tmp_path: Path
) -> None:
    restorable.start(SECOND)
    register(restorable.pair, without_credentials(restorable.admin_urls[SECOND]))
    refused = extraction("backup", "--point-only", "--without", "scheduling-3")
    assert (refused.returncode, "registered: scheduling-2" in refused.stderr) == (2, True)
    marked = extraction("backup", "--point-only", "--without", SECOND)
    assert sorted(json.loads(marked.stdout)["lsn"]) == sorted(NAMES)
    assert "scheduling-2 is not part of this backup" in marked.stderr
    manifest = take_backup({name: restorable.admin_urls[name] for name in NAMES}, tmp_path / "two", silent)
    with pytest.raises(CommandError, match="does not contain the scheduling-2 database"):
        restore(tmp_path / "two", manifest, SECOND, tmp_path / "data", silent)


def test_an_incomplete_or_damaged_backup_is_refused(restorable: RestorableServers, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    manifest = take_backup(restorable.admin_urls, backup, silent)
    with pytest.raises(CommandError, match="is not empty"):
        take_backup(restorable.admin_urls, backup, silent)
    with pytest.raises(CommandError, match="did not reach extraction_never"):
        restore(backup, Manifest("extraction_never", "", 0, manifest.databases), "monolith", tmp_path / "data", silent)
    victim = next((backup / "scheduling/base/base").rglob("PG_VERSION"))
    victim.write_text("damaged")
    with pytest.raises(CommandError, match="pg_verifybackup failed"):
        restore(backup, manifest, "scheduling", tmp_path / "other", silent)
