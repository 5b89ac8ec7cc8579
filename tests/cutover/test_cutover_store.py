"""The stored cutovers: every transition happens once, and the decision is made on one row."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import psycopg
import pytest
from uuid_utils.compat import uuid7

from monolith.cutover.databases import CONTROLLER, Connection, SchedulingDatabase
from monolith.cutover.states import ABORTABLE, FOLLOWS, MAY_BE_FENCED, STATES, State
from monolith.cutover.store import cutovers, drivers
from monolith.cutover.store.cutovers import Cutover, CutoverInProgress, PassedStep, SourceNotOwner
from tests.databases import Databases
from tests.polling import eventually

WHO = {"actor": "cli:tests", "reason": "to see"}


@pytest.fixture
def control_db(databases: Databases) -> Iterator[Connection]:
    with SchedulingDatabase("monolith", databases.monolith_url, databases.role_secret).connect(
        CONTROLLER
    ) as connection:
        yield connection


@pytest.fixture
def business(databases: Databases) -> UUID:
    business_id = uuid7()
    with psycopg.connect(databases.monolith_admin_url) as administrator:
        administrator.execute(
            "INSERT INTO cutover.ownership (business_id, owner, epoch) VALUES (%s, 'monolith', 1)", (business_id,)
        )
    return business_id


def begin(control_db: Connection, business: UUID, fence_seconds: float = 30.0) -> Cutover:
    return cutovers.begin(control_db, business, "monolith", "scheduling", fence_seconds=fence_seconds, **WHO)


def advance_to(control_db: Connection, move: Cutover, state: State) -> Cutover:
    if state in ("drained", "verified"):
        # As a controller of release 0.2.0 stored it.
        move = advance_to(control_db, move, "fenced")
        control_db.execute("UPDATE cutover.cutover SET state = %s WHERE cutover_id = %s", (state, move.cutover_id))
        return cutovers.get(control_db, move.cutover_id)
    while move.state != state:
        assert (
            cutovers.decide(control_db, move)
            if FOLLOWS[move.state] == "decided"
            else cutovers.advance(control_db, move)
        )
        move = cutovers.get(control_db, move.cutover_id)
    return move


def owner(control_db: Connection, business: UUID) -> tuple[str, int]:
    row = control_db.execute(
        "SELECT owner, epoch FROM cutover.ownership WHERE business_id = %s", (business,)
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def test_cutover_passes_all_states_and_the_decision_changes_the_owner(control_db: Connection, business: UUID) -> None:
    move = begin(control_db, business)
    assert (move.source, move.target, move.epoch, move.attempt) == ("monolith", "scheduling", 1, 1)
    move = advance_to(control_db, move, "fenced")
    assert owner(control_db, business) == ("monolith", 1)
    decided = cutovers.decide(
        control_db, move, (PassedStep("drained", {"lsn": "0/1"}, 0.0), PassedStep("verified", {}, 0.0))
    )
    move = cutovers.get(control_db, move.cutover_id)
    assert (move, move.state, move.settled_at) == (decided, "decided", None)
    assert owner(control_db, business) == ("scheduling", 2)
    move = advance_to(control_db, move, "active")
    assert move.settled_at is not None
    assert tuple(step["state"] for step in move.steps) == STATES[:-1]
    assert [step["found"] for step in move.steps if step["state"] == "drained"] == [{"lsn": "0/1"}]
    at = [datetime.fromisoformat(step["at"]) for step in move.steps]
    assert at == sorted(at)


def test_only_one_cutover_of_a_business_at_a_time(control_db: Connection, business: UUID) -> None:
    move = begin(control_db, business)
    with pytest.raises(CutoverInProgress):
        begin(control_db, business)
    cutovers.abort(control_db, move, "no more")
    with pytest.raises(CutoverInProgress):
        begin(control_db, business)
    cutovers.settle_aborted(control_db, move)
    assert begin(control_db, business).attempt > move.attempt


def test_cutover_must_start_at_the_owner(control_db: Connection, business: UUID) -> None:
    with pytest.raises(SourceNotOwner):
        cutovers.begin(control_db, business, "scheduling", "monolith", fence_seconds=2, **WHO)
    with pytest.raises(SourceNotOwner):
        begin(control_db, uuid7())


@pytest.mark.parametrize("state", [each for each in FOLLOWS if FOLLOWS[each] != "decided"])
def test_only_one_of_two_controllers_advances(control_db: Connection, business: UUID, state: State) -> None:
    move = advance_to(control_db, begin(control_db, business), state)
    assert cutovers.advance(control_db, move)
    assert not cutovers.advance(control_db, move)


def test_cutover_is_decided_once(control_db: Connection, business: UUID) -> None:
    move = advance_to(control_db, begin(control_db, business), "fenced")
    assert cutovers.decide(control_db, move)
    assert not cutovers.decide(control_db, move)
    assert owner(control_db, business) == ("scheduling", 2)


@pytest.mark.parametrize("state", sorted(ABORTABLE))
def test_undecided_cutover_can_be_aborted_and_then_cannot_advance(
    control_db: Connection, business: UUID, state: State
) -> None:
    move = advance_to(control_db, begin(control_db, business), state)
    assert cutovers.abort(control_db, move, "enough")
    assert not (
        cutovers.decide(control_db, move) if FOLLOWS[state] == "decided" else cutovers.advance(control_db, move)
    )
    aborted = cutovers.get(control_db, move.cutover_id)
    assert (aborted.state, aborted.problem, aborted.settled_at) == ("aborted", "enough", None)
    assert owner(control_db, business) == ("monolith", 1)
    assert cutovers.unsettled(control_db, business) == [aborted]


@pytest.mark.parametrize("state", ["decided", "active"])
def test_abort_after_the_decision_changes_nothing(control_db: Connection, business: UUID, state: State) -> None:
    move = advance_to(control_db, begin(control_db, business), state)
    assert not cutovers.abort(control_db, move, "too late")
    assert cutovers.get(control_db, move.cutover_id) == move
    assert owner(control_db, business) == ("scheduling", 2)


@pytest.mark.parametrize("state", sorted(MAY_BE_FENCED))
def test_overdue_cutover_can_only_be_aborted(control_db: Connection, business: UUID, state: State) -> None:
    move = advance_to(control_db, begin(control_db, business), state)
    assert not cutovers.abort(control_db, move, "not yet", only_overdue=True)
    control_db.execute("UPDATE cutover.cutover SET deadline_at = clock_timestamp()")
    assert cutovers.seconds_left(control_db, move) <= 0
    assert not cutovers.decide(control_db, move)
    assert cutovers.abort(control_db, move, "overdue", only_overdue=True)
    assert owner(control_db, business) == ("monolith", 1)


@pytest.mark.parametrize("state", ["replicating", "ready"])
def test_cutover_is_not_decided_before_its_fence(control_db: Connection, business: UUID, state: State) -> None:
    move = advance_to(control_db, begin(control_db, business), state)
    assert cutovers.decide(control_db, move) is None
    assert cutovers.get(control_db, move.cutover_id) == move


def test_decision_fails_when_the_ownership_row_has_changed(control_db: Connection, business: UUID) -> None:
    move = advance_to(control_db, begin(control_db, business), "fenced")
    control_db.execute("UPDATE cutover.ownership SET epoch = 7 WHERE business_id = %s", (business,))
    assert not cutovers.decide(control_db, move)
    assert cutovers.get(control_db, move.cutover_id).state == "fenced"


def test_decisions_and_aborts_are_audited(control_db: Connection, business: UUID, databases: Databases) -> None:
    cutovers.abort(control_db, begin(control_db, business), "changed my mind", actor="cli:another operator")
    control_db.execute("UPDATE cutover.cutover SET settled_at = clock_timestamp()")
    advance_to(control_db, begin(control_db, business), "decided")
    with psycopg.connect(databases.monolith_admin_url) as administrator:
        entries = administrator.execute(
            "SELECT action, before, after, actor, reason FROM platform.audit WHERE subject = %s ORDER BY recorded_at",
            (f"business:{business}",),
        ).fetchall()
    assert entries == [
        ("cutover.aborted", "monolith", "monolith", "cli:another operator", "changed my mind"),
        ("cutover.decided", "monolith", "scheduling", "cli:tests", "to see"),
    ]


def test_cutover_without_a_driver_is_abandoned(databases: Databases, control_db: Connection, business: UUID) -> None:
    move = begin(control_db, business)
    assert not drivers.abandoned(control_db, move, 60.0)
    with SchedulingDatabase("monolith", databases.monolith_url, databases.role_secret).connect(CONTROLLER) as driver:
        assert drivers.claim_driver(driver, move.cutover_id)
        assert not drivers.abandoned(control_db, move, 0.0)
        assert move.cutover_id not in drivers.undriven(control_db, 0.0)
        drivers.release_driver(driver, move.cutover_id)
        assert drivers.abandoned(control_db, move, 0.0)
        assert move.cutover_id in drivers.undriven(control_db, 0.0)
        assert move.cutover_id not in drivers.undriven(control_db, 60.0)
        drivers.claim_driver(driver, move.cutover_id)
    # The server detects the closed connection after a moment.
    eventually(lambda: drivers.abandoned(control_db, move, 0.0), "an abandoned cutover")
