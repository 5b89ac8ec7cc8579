"""Migrations while both databases replicate and are in use: additive ones lose nothing, others are refused."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from contracts.scheduling.values import DatabaseName
from deploy.databases.schemas import SCHEDULING, Schema, Target, monolith_target, scheduling_target
from deploy.databases.set_up import set_up
from deploy.errors import CommandError
from deploy.replicated_migration import migrate_replicated
from monolith.cutover import replication
from monolith.cutover.controller import Controller
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.replication.state import read_status
from tests.cutover.dying_controller import PassingChecks
from tests.cutover.replication_pair import administrator, same, shop_at, start
from tests.cutover.writers import opened, switched_port, writers
from tests.databases import Databases
from tests.next_release import add_migration
from tests.polling import eventually

pytestmark = pytest.mark.long

ADDITIVE = """
ALTER TABLE scheduling.appointment ADD COLUMN colour text;
ALTER TABLE scheduling.offering ADD COLUMN shown boolean NOT NULL DEFAULT true;
CREATE INDEX appointment_by_colour ON scheduling.appointment (business_id, colour);
CREATE TABLE scheduling.label (
    business_id uuid NOT NULL, label_id uuid NOT NULL, name text NOT NULL, PRIMARY KEY (business_id, label_id)
);
GRANT SELECT ON scheduling.label TO scheduling_mover;
GRANT SELECT, INSERT, UPDATE, DELETE ON scheduling.label TO scheduling_replicator;
CREATE OR REPLACE FUNCTION scheduling.replicated_tables() RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY['business', 'offering', 'provider', 'provider_offering', 'schedule', 'weekly_hours', 'date_override',
             'holiday', 'resource', 'block', 'claim', 'session', 'appointment', 'assignment', 'waitlist', 'history',
             'idempotency', 'fence_mark', 'canary', 'label'];
"""


def schema_with(folder: Path, statements: str) -> Schema:
    """Return schema scheduling with one more migration, of a release to come."""
    shutil.copytree(SCHEDULING.migrations, folder, ignore=shutil.ignore_patterns("__pycache__"))
    add_migration(folder, statements, oldest_code="0003")
    return replace(SCHEDULING, migrations=folder)


@pytest.fixture
def targets(databases: Databases) -> Mapping[DatabaseName, Target]:
    return {
        "monolith": monolith_target(databases.monolith_admin_url, databases.role_secret),
        "scheduling": scheduling_target(databases.scheduling_admin_url, databases.role_secret),
    }


@pytest.fixture
def running(pair: SchedulingDatabases) -> Iterator[SchedulingDatabases]:
    start(pair)
    yield pair
    assert replication.stop(pair.extraction) == []


def migrate(
    targets: Mapping[DatabaseName, Target], pair: SchedulingDatabases, schema: Schema, unsettled: int = 0
) -> list[str]:
    said: list[str] = []
    migrate_replicated(targets, pair.extraction, unsettled, said.append, schema)
    return said


def test_an_additive_migration_under_load_loses_nothing(
    running: SchedulingDatabases, targets: Mapping[DatabaseName, Target], databases: Databases, tmp_path: Path
) -> None:
    schema = schema_with(tmp_path / "migrations", ADDITIVE)
    with switched_port(running) as port, Controller(running, PassingChecks()) as controller:
        here, there = opened(port), opened(port)
        moved = controller.cut_over(
            there.business_id, "monolith", "scheduling", fence_seconds=10, actor="tests", reason="both directions"
        )
        assert moved.state == "active", moved.problem
        with writers(here, 3, seed=1) as in_monolith, writers(there, 3, seed=2) as in_scheduling:
            said = migrate(targets, running, schema)
        assert [line.split(" from ")[0] for line in said[:2]] == [
            f"migrating schema scheduling of the {name} database" for name in ("scheduling", "monolith")
        ]
        in_monolith.require_true(running, here.business_id, "monolith")
        in_scheduling.require_true(running, there.business_id, "scheduling")
        assert same(running, here.business_id)
        assert same(running, there.business_id)
        assert [each.apply_errors for each in read_status(running.extraction).directions] == [0, 0]
        replicates_the_new_column_and_table(running, databases, str(here.business_id))
        back = controller.cut_over(
            there.business_id, "scheduling", "monolith", fence_seconds=10, actor="tests", reason="on the new schema"
        )
        assert back.state == "active", back.problem
    assert "both databases have the same version" in migrate(targets, running, schema)[-1]


def replicates_the_new_column_and_table(pair: SchedulingDatabases, databases: Databases, business: str) -> None:
    administrator(
        databases,
        f"UPDATE scheduling.appointment SET colour = 'green' WHERE business_id = '{business}'; "
        f"INSERT INTO scheduling.label VALUES ('{business}', gen_random_uuid(), 'regular')",
        "monolith",
    )
    with pair.scheduling.connect() as db:
        eventually(lambda: db.execute("SELECT 1 FROM scheduling.label").fetchone(), "the row of the new table")
        eventually(
            lambda: db.execute("SELECT 1 FROM scheduling.appointment WHERE colour = 'green'").fetchone(),
            "the value of the new column",
        )


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        ("ALTER TABLE scheduling.appointment DROP COLUMN note", "column appointment.note is removed"),
        ("ALTER TABLE scheduling.offering ALTER COLUMN name TYPE varchar(10)", "column offering.name changes its type"),
        (
            "ALTER TABLE scheduling.offering ADD COLUMN x text NOT NULL",
            "column offering.x is NOT NULL without a default",
        ),
        ("ALTER TABLE scheduling.offering ADD COLUMN x uuid DEFAULT gen_random_uuid()", "which may differ"),
        ("CREATE UNIQUE INDEX one_name ON scheduling.offering (business_id, name)", "one_name is added, changed"),
    ],
    ids=["drop", "type", "not null", "volatile default", "unique"],
)
def test_a_change_that_would_stop_the_stream_is_refused_before_anything_changes(
    pair: SchedulingDatabases, targets: Mapping[DatabaseName, Target], tmp_path: Path, statements: str, problem: str
) -> None:
    start(pair)
    schema = schema_with(tmp_path / "migrations", statements)
    with pytest.raises(CommandError, match="not safe while replicating") as refused:
        migrate(targets, pair, schema)
    assert problem in str(refused.value)
    with pytest.raises(CommandError, match="a cutover is in progress"):
        migrate(targets, pair, schema, unsettled=1)
    with pytest.raises(CommandError, match="run `extraction replicate migrate`"):
        set_up(replace(targets["scheduling"], schemas=(schema,)))
    assert replication.find_problems(pair.extraction, max_lag_bytes=1_000_000) == []
    assert replication.stop(pair.extraction) == []


def test_an_interrupted_migration_is_continued(
    running: SchedulingDatabases, targets: Mapping[DatabaseName, Target], tmp_path: Path
) -> None:
    schema, shop = schema_with(tmp_path / "migrations", ADDITIVE), shop_at(running, "monolith")
    set_up(replace(targets["monolith"], schemas=(schema,)), while_replicating=True)
    shop.book()
    said = migrate(targets, running, schema)
    assert len(said) == 2, "only the other database was migrated"
    assert same(running, shop.business_id)


def test_a_conflict_is_named_and_its_remedy_repairs_the_copy(pair: SchedulingDatabases, databases: Databases) -> None:
    start(pair)
    shop = shop_at(pair, "monolith")
    eventually(lambda: same(pair, shop.business_id), "the copy")
    # A row in the copy, under the key of one that the owner writes next.
    with psycopg.connect(databases.scheduling_admin_url, autocommit=True) as db:
        db.execute("SET session_replication_role = replica")
        db.execute(
            "INSERT INTO scheduling.fence_mark (business_id, attempt, fenced_at) VALUES (%s, 7, now())",
            (shop.business_id,),
        )
    with psycopg.connect(databases.monolith_admin_url, autocommit=True) as db:
        db.execute("INSERT INTO scheduling.fence_mark VALUES (%s, 8, now())", (shop.business_id,))
    shop.book()

    def named() -> bool:
        problems = " ".join(replication.find_problems(pair.extraction, max_lag_bytes=10**9))
        return "stopped at a conflict (insert_exists" in problems and "--discard-copies" in problems

    eventually(named, "the conflict among the problems")
    assert not same(pair, shop.business_id)
    assert replication.stop(pair.extraction) == []
    start(pair, discard_copies=True)
    assert same(pair, shop.business_id)
    assert replication.find_problems(pair.extraction, max_lag_bytes=1_000_000) == []
    assert replication.stop(pair.extraction) == []
