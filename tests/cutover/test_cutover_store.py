"""The stored cutovers: every transition happens once, and the decision is made on one row."""

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from uuid_utils.compat import uuid7

from monolith.cutover.databases import CONTROLLER, Connection, SchedulingDatabase
from monolith.cutover.states import FOLLOWS, STATES, State
from monolith.cutover.store import cutovers
from monolith.cutover.store.cutovers import Cutover, CutoverInProgress, SourceNotOwner
from tests.databases import Databases
from tests.polling import eventually

WHO = {"actor": "cli:tests", "reason": "to see"}


@pytest.fixture
def platform(databases: Databases) -> Iterator[Connection]:
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


def begin(platform: Connection, business: UUID, fence_seconds: float = 30.0) -> Cutover:
    return cutovers.begin(platform, business, "monolith", "scheduling", fence_seconds=fence_seconds, **WHO)


def advance_to(platform: Connection, move: Cutover, state: State) -> Cutover:
    while move.state != state:
        assert cutovers.decide(platform, move) if FOLLOWS[move.state] == "decided" else cutovers.advance(platform, move)
        move = cutovers.get(platform, move.cutover_id)
    return move


def owner(platform: Connection, business: UUID) -> tuple[str, int]:
    row = platform.execute("SELECT owner, epoch FROM cutover.ownership WHERE business_id = %s", (business,)).fetchone()
    assert row is not None
    return row[0], row[1]


def test_cutover_passes_all_states_and_the_decision_changes_the_owner(platform: Connection, business: UUID) -> None:
    move = begin(platform, business)
    assert (move.source, move.target, move.epoch, move.attempt) == ("monolith", "scheduling", 1, 1)
    move = advance_to(platform, move, "verified")
    assert owner(platform, business) == ("monolith", 1)
    move = advance_to(platform, move, "decided")
    assert owner(platform, business) == ("scheduling", 2)
    assert move.settled_at is None
    move = advance_to(platform, move, "active")
    assert move.settled_at is not None
    assert tuple(step["state"] for step in move.steps) == STATES[:-1]


def test_only_one_cutover_of_a_business_at_a_time(platform: Connection, business: UUID) -> None:
    move = begin(platform, business)
    with pytest.raises(CutoverInProgress):
        begin(platform, business)
    cutovers.abort(platform, move, "no more")
    with pytest.raises(CutoverInProgress):
        begin(platform, business)
    cutovers.settle_aborted(platform, move)
    assert begin(platform, business).attempt > move.attempt


def test_cutover_must_start_at_the_owner(platform: Connection, business: UUID) -> None:
    with pytest.raises(SourceNotOwner):
        cutovers.begin(platform, business, "scheduling", "monolith", fence_seconds=2, **WHO)
    with pytest.raises(SourceNotOwner):
        begin(platform, uuid7())


@pytest.mark.parametrize("state", [each for each in FOLLOWS if FOLLOWS[each] != "decided"])
def test_only_one_of_two_controllers_advances(platform: Connection, business: UUID, state: State) -> None:
    move = advance_to(platform, begin(platform, business), state)
    assert cutovers.advance(platform, move)
    assert not cutovers.advance(platform, move)


def test_cutover_is_decided_once(platform: Connection, business: UUID) -> None:
    move = advance_to(platform, begin(platform, business), "verified")
    assert cutovers.decide(platform, move)
    assert not cutovers.decide(platform, move)
    assert owner(platform, business) == ("scheduling", 2)


@pytest.mark.parametrize("state", ["replicating", "ready", "fenced", "drained", "verified"])
def test_undecided_cutover_can_be_aborted_and_then_cannot_advance(
    platform: Connection, business: UUID, state: State
) -> None:
    move = advance_to(platform, begin(platform, business), state)
    assert cutovers.abort(platform, move, "enough")
    assert not (cutovers.decide(platform, move) if state == "verified" else cutovers.advance(platform, move))
    aborted = cutovers.get(platform, move.cutover_id)
    assert (aborted.state, aborted.problem, aborted.settled_at) == ("aborted", "enough", None)
    assert owner(platform, business) == ("monolith", 1)
    assert cutovers.unsettled(platform, business) == [aborted]


@pytest.mark.parametrize("state", ["decided", "active"])
def test_abort_after_the_decision_changes_nothing(platform: Connection, business: UUID, state: State) -> None:
    move = advance_to(platform, begin(platform, business), state)
    assert not cutovers.abort(platform, move, "too late")
    assert cutovers.get(platform, move.cutover_id) == move
    assert owner(platform, business) == ("scheduling", 2)


@pytest.mark.parametrize("state", ["fenced", "drained", "verified"])
def test_overdue_cutover_can_only_be_aborted(platform: Connection, business: UUID, state: State) -> None:
    move = advance_to(platform, begin(platform, business), state)
    assert not cutovers.abort(platform, move, "not yet", only_overdue=True)
    platform.execute("UPDATE cutover.cutover SET deadline_at = clock_timestamp()")
    assert cutovers.seconds_left(platform, move) <= 0
    assert not (cutovers.decide(platform, move) if state == "verified" else cutovers.advance(platform, move))
    assert cutovers.abort(platform, move, "overdue", only_overdue=True)
    assert owner(platform, business) == ("monolith", 1)


def test_decision_fails_when_the_ownership_row_has_changed(platform: Connection, business: UUID) -> None:
    move = advance_to(platform, begin(platform, business), "verified")
    platform.execute("UPDATE cutover.ownership SET epoch = 7 WHERE business_id = %s", (business,))
    assert not cutovers.decide(platform, move)
    assert cutovers.get(platform, move.cutover_id).state == "verified"


def test_decisions_and_aborts_are_audited(platform: Connection, business: UUID, databases: Databases) -> None:
    cutovers.abort(platform, begin(platform, business), "changed my mind")
    platform.execute("UPDATE cutover.cutover SET settled_at = clock_timestamp()")
    advance_to(platform, begin(platform, business), "decided")
    with psycopg.connect(databases.monolith_admin_url) as administrator:
        entries = administrator.execute(
            "SELECT action, before, after, actor, reason FROM platform.audit WHERE subject = %s ORDER BY recorded_at",
            (f"business:{business}",),
        ).fetchall()
    assert entries == [
        ("cutover.aborted", "monolith", "monolith", "cli:tests", "changed my mind"),
        ("cutover.decided", "monolith", "scheduling", "cli:tests", "to see"),
    ]


def test_cutover_without_a_driver_is_abandoned(databases: Databases, platform: Connection, business: UUID) -> None:
    move = begin(platform, business)
    assert not cutovers.abandoned(platform, move, 60.0)
    with SchedulingDatabase("monolith", databases.monolith_url, databases.role_secret).connect(CONTROLLER) as driver:
        assert cutovers.claim_driver(driver, move.cutover_id)
        assert not cutovers.abandoned(platform, move, 0.0)
        cutovers.release_driver(driver, move.cutover_id)
        assert cutovers.abandoned(platform, move, 0.0)
        cutovers.claim_driver(driver, move.cutover_id)
    # The server detects the closed connection after a moment.
    eventually(lambda: cutovers.abandoned(platform, move, 0.0), "an abandoned cutover")
