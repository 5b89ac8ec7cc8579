"""Cutovers of a business in use: repeated, refused, aborted, and with two controllers at once."""

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from contracts.scheduling.values import DatabaseName
from monolith.cutover.checks import CutoverRefused, PreflightResult
from monolith.cutover.controller import Controller
from monolith.cutover.databases import Connection, SchedulingDatabases
from monolith.cutover.preflight import PreflightChecks
from monolith.cutover.store import cutovers
from monolith.cutover.store.cutovers import Cutover
from monolith.cutover.verification import RecentRows
from scheduling_service.engine import lease as leases
from tests.contract.port.shop import Shop
from tests.cutover.dying_controller import PassingChecks
from tests.cutover.writers import opened, switched_port, writers
from tests.databases import Databases

WHO = {"actor": "tests", "reason": "to see"}


@pytest.fixture
def shop(replicated: SchedulingDatabases) -> Iterator[Shop]:
    with switched_port(replicated) as port:
        yield opened(port)


@pytest.fixture
def controller(replicated: SchedulingDatabases) -> Iterator[Controller]:
    with Controller(replicated, PreflightChecks(replicated, lambda database: None)) as controller:
        yield controller


def moved(controller: Controller, shop: Shop, to: DatabaseName, *, fence_seconds: float = 10.0) -> Cutover:
    return controller.cut_over(
        shop.business_id, "monolith" if to == "scheduling" else "scheduling", to, fence_seconds=fence_seconds, **WHO
    )


def active_at(pair: SchedulingDatabases, business_id: UUID) -> list[DatabaseName]:
    found: list[DatabaseName] = []
    for name in ("monolith", "scheduling"):
        with pair.at(name).connect() as db:
            lease = leases.read_lease(db, business_id)
            found += [name] if lease is not None and lease.active else []
    return found


def test_repeated_cutovers_under_load_lose_nothing(
    replicated: SchedulingDatabases, controller: Controller, shop: Shop
) -> None:
    ledger_owner: DatabaseName = "monolith"
    with writers(shop) as ledger:
        for _ in range(3):
            for to in ("scheduling", "monolith"):
                move = moved(controller, shop, to)
                assert (move.state, move.problem) == ("active", None)
                assert active_at(replicated, shop.business_id) == [to]
                time.sleep(0.1)
    assert ledger.answers["done"] > 100
    ledger.require_true(replicated, shop.business_id, ledger_owner)


def test_non_owner_database_refuses_writes(replicated: SchedulingDatabases, controller: Controller, shop: Shop) -> None:
    moved(controller, shop, "scheduling")
    with replicated.monolith.connect("scheduling_app") as db:
        db.execute("SELECT set_config('app.business_id', %s, false)", (str(shop.business_id),))
        with pytest.raises(psycopg.Error, match="does not own business"):
            db.execute("UPDATE scheduling.business SET name = 'by a forgotten cron job'")


class RefusingChecks(PassingChecks):
    """Refuse the cutover before or inside the fence."""

    def __init__(self, where: str) -> None:
        self._where = where

    def check_before_fence(self, move: Cutover, source: Connection, target: Connection) -> PreflightResult:
        if self._where == "before":
            raise CutoverRefused("refused by the test")
        return super().check_before_fence(move, source, target)

    def check_inside_fence(
        self, move: Cutover, source: Connection, target: Connection, source_rows: RecentRows
    ) -> dict[str, Any]:
        raise CutoverRefused("refused by the test")


@pytest.mark.parametrize("where", ["before", "inside"])
def test_refused_cutover_leaves_the_source_writable(replicated: SchedulingDatabases, shop: Shop, where: str) -> None:
    with writers(shop, 2) as ledger, Controller(replicated, RefusingChecks(where)) as controller:
        move = moved(controller, shop, "scheduling")
        assert (move.state, move.problem) == ("aborted", "refused by the test")
        assert move.settled_at is not None
        assert active_at(replicated, shop.business_id) == ["monolith"]
        time.sleep(0.1)
    ledger.require_true(replicated, shop.business_id, "monolith")


class SlowChecks(PassingChecks):
    """Take longer inside the fence than its deadline."""

    def check_inside_fence(
        self, move: Cutover, source: Connection, target: Connection, source_rows: RecentRows
    ) -> dict[str, Any]:
        time.sleep(move.fence_seconds + 0.1)
        return {}


def test_no_decision_after_the_deadline(replicated: SchedulingDatabases, shop: Shop) -> None:
    with writers(shop, 2) as ledger, Controller(replicated, SlowChecks()) as controller:
        move = moved(controller, shop, "scheduling", fence_seconds=0.3)
        assert move.state == "aborted"
        assert "deadline of 0.3 s passed" in (move.problem or "")
    assert active_at(replicated, shop.business_id) == ["monolith"]
    ledger.require_true(replicated, shop.business_id, "monolith")


def test_two_concurrent_controllers_decide_once(replicated: SchedulingDatabases, shop: Shop) -> None:
    with Controller(replicated, PassingChecks()) as one, Controller(replicated, PassingChecks()) as another:
        begun = cutovers.begin(one.control_db, shop.business_id, "monolith", "scheduling", fence_seconds=10, **WHO)
        ended: list[Cutover] = []
        threads = [
            threading.Thread(target=lambda each: ended.append(each.drive(begun.cutover_id)), args=(each,))
            for each in (one, another)
        ]
        with writers(shop, 2) as ledger:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert [move.state for move in ended] == ["active", "active"]
    assert [step["state"] for step in ended[0].steps].count("decided") == 1
    assert active_at(replicated, shop.business_id) == ["scheduling"]
    ledger.require_true(replicated, shop.business_id, "scheduling")


@pytest.mark.row("F42")
def test_retry_with_the_same_key_after_a_cutover_returns_the_first_reply(controller: Controller, shop: Shop) -> None:
    ctx, request = shop.customer.writes("crosses"), shop.booking()
    booked = shop.port.book(ctx, request)
    moved(controller, shop, "scheduling")
    assert shop.port.book(shop.customer.writes("crosses"), request) == booked


def test_open_transaction_aborts_the_cutover_and_is_named(
    replicated: SchedulingDatabases, controller: Controller, shop: Shop
) -> None:
    with replicated.monolith.connect("scheduling_app") as db, db.transaction():
        db.execute("SELECT pg_advisory_xact_lock_shared(scheduling.fence_key(%s))", (shop.business_id,))
        move = moved(controller, shop, "scheduling")
    assert move.state == "aborted"
    assert "backend" in (move.problem or "")
    assert moved(controller, shop, "scheduling").state == "active"


def test_resumed_cutover_with_an_old_comparison_is_refused(replicated: SchedulingDatabases, shop: Shop) -> None:
    """The old comparison does not cover the changes since."""
    with Controller(replicated, PassingChecks()) as controller:
        begun = cutovers.begin(
            controller.control_db, shop.business_id, "monolith", "scheduling", fence_seconds=10, **WHO
        )
        assert cutovers.advance(controller.control_db, begun, compared_from=begun.began_at) is not None
        controller.control_db.execute(
            "UPDATE cutover.cutover SET steps = jsonb_set(steps, '{1,at}', to_jsonb(now() - interval '5 min')) "
            "WHERE cutover_id = %s",
            (begun.cutover_id,),
        )
        move = controller.drive(begun.cutover_id)
    assert move.state == "aborted"
    assert "the full comparison is 300 s old (maximum 60 s)" in (move.problem or "")


class MigratingChecks(PreflightChecks):
    """Migrate one of the databases between the preflight checks and the fence."""

    def __init__(self, pair: SchedulingDatabases, admin_url: str) -> None:
        super().__init__(pair, lambda database: None)
        self._admin_url = admin_url

    def check_before_fence(self, move: Cutover, source: Connection, target: Connection) -> PreflightResult:
        checked = super().check_before_fence(move, source, target)
        with psycopg.connect(self._admin_url, autocommit=True) as db:
            db.execute("UPDATE scheduling.alembic_version SET version_num = 'next'")
        return checked


def test_migration_during_a_cutover_aborts_it(
    replicated: SchedulingDatabases, shared_databases: Databases, controller: Controller, shop: Shop
) -> None:
    admin_url = shared_databases.scheduling_admin_url
    with psycopg.connect(admin_url, autocommit=True) as db:
        ((version,),) = db.execute("SELECT version_num FROM scheduling.alembic_version").fetchall()
        try:
            with (
                writers(shop, 2) as ledger,
                Controller(replicated, MigratingChecks(replicated, admin_url)) as migrating,
            ):
                move = moved(migrating, shop, "scheduling")
                assert move.state == "aborted"
                assert f"has version {version} at the source and next at the target" in (move.problem or "")
                assert moved(controller, shop, "scheduling").state == "aborted"
                assert active_at(replicated, shop.business_id) == ["monolith"]
        finally:
            db.execute("UPDATE scheduling.alembic_version SET version_num = %s", (version,))
    ledger.require_true(replicated, shop.business_id, "monolith")
    assert moved(controller, shop, "scheduling").state == "active"


@pytest.mark.row("F38")
def test_controller_does_not_depend_on_its_local_clock(
    replicated: SchedulingDatabases, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deadlines are those of the database's clock."""
    monkeypatch.setattr(time, "time", lambda: 0.0)
    with Controller(replicated, PassingChecks()) as controller:
        assert moved(controller, shop, "scheduling").state == "active"


def test_steps_record_the_duration_of_the_fence(controller: Controller, shop: Shop) -> None:
    move = moved(controller, shop, "scheduling")
    at = {step["state"]: datetime.fromisoformat(step["at"]) for step in move.steps}
    assert timedelta(0) < at["active"] - at["fenced"] < timedelta(seconds=10)
    assert (
        at["replicating"] < at["ready"] < at["fenced"] < at["drained"] < at["verified"] < at["decided"] < at["active"]
    )
