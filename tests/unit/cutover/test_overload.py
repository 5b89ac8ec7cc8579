"""An overloaded machine is not mistaken for a broken promise, nor the reverse."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest

from loadtests.harness.cutovers import WritePause
from loadtests.harness.traffic.ledger import LedgerReport
from loadtests.harness.traffic.open_loop import TrafficRecord
from monolith.cutover.store.cutovers import Cutover
from tests.cutover.overload import Judgement, judge_answers, judge_ledger, pauses_of, refused_for_time

PAUSES = [WritePause(second + 0.5, second + 0.6) for second in range(100)]
"""A cutover each second. Including requests sent shortly before one, about 15 % of all meet a pause."""


def answer(
    at: float, ms: float = 10.0, status: int = 200, kind: str = "read", final: int | None = None
) -> TrafficRecord:
    return TrafficRecord("people", kind, at, ms, status, status if final is None else final)


def expired(at: float) -> TrafficRecord:
    return answer(at, 2_010.0, 504)


def judged(*records: TrafficRecord) -> Judgement:
    """Judge them together with a hundred seconds of requests that completed in time, forty a second."""
    usual = [answer(number / 40) for number in range(4_000)]
    return judge_answers([*usual, *records], PAUSES)


def sent(*seconds: int, after: float) -> list[TrafficRecord]:
    return [expired(second + after) for second in seconds]


IN_A_PAUSE, SHORTLY_BEFORE, OUTSIDE = 0.55, 0.48, 0.8


def test_responses_in_time_pass() -> None:
    judgement = judged(answer(3.55, 900.0), answer(4, kind="book", status=201), answer(5, kind="cancel", status=409))
    assert (judgement.finding, judgement.acceptable) == ("kept", True)


@pytest.mark.parametrize(
    "late",
    [
        sent(20, 21, 22, 23, after=OUTSIDE),
        [*sent(20, 40, 60, after=OUTSIDE), *sent(62, after=IN_A_PAUSE)],
        # A busy moment that began in a pause and went on.
        [expired(20.55 + number / 40) for number in range(30)],
        # One request gave up; others only just did not.
        [expired(20.55), *(answer(20.7 + number / 40, 1_500.0) for number in range(10))],
        # Refused by admission, after they had waited for longer than its target.
        [answer(20.8 + number / 40, 300.0, 503) for number in range(15)],
    ],
    ids=["outside", "mostly outside", "from a pause on", "slow neighbours", "refused in the queue"],
)
def test_requests_that_are_late_anywhere_indicate_an_overloaded_machine(late: Sequence[TrafficRecord]) -> None:
    judgement = judged(*late)
    assert (judgement.finding, judgement.acceptable) == ("overloaded machine", True)


@pytest.mark.parametrize(
    "late",
    [
        sent(20, after=IN_A_PAUSE),
        sent(20, after=SHORTLY_BEFORE),
        sent(20, 40, 60, 80, after=IN_A_PAUSE),
        # As above, on a machine that is overloaded as well.
        [*sent(20, after=IN_A_PAUSE), *sent(40, 41, 42, after=OUTSIDE)],
        [*sent(*range(10, 40, 3), after=IN_A_PAUSE), *sent(11, 17, 25, 35, after=OUTSIDE)],
        # Those that were stuck kept others waiting who had met no pause.
        [expired(second + 0.55 + number / 40) for second in (10, 30, 50, 70, 90) for number in range(5)],
    ],
    ids=["one", "one on its way", "several", "overload elsewhere", "overload as well", "a queue behind each"],
)
def test_requests_that_are_late_at_pauses_are_a_broken_promise(late: Sequence[TrafficRecord]) -> None:
    judgement = judged(*late)
    assert (judgement.finding, judgement.acceptable) == ("broken promise", False)


def test_the_counts_are_reported() -> None:
    expected = "overloaded machine: 4 of 4,004 reads exceeded their deadline, 3 of them outside any cutover,"
    assert str(judged(*sent(20, 40, 60, after=OUTSIDE), *sent(62, after=IN_A_PAUSE))).startswith(expected)
    write = answer(20.8, 5_010.0, 504, kind="book", final=201)
    assert "0 of 4,000 reads and 1 of 1 writes exceeded their deadline, 1 of them outside" in str(judged(write))


def test_too_many_late_requests_prove_nothing_about_the_cutovers() -> None:
    judgement = judged(*(expired(10 + number / 10) for number in range(100)))
    assert (judgement.finding, judgement.acceptable) == ("too overloaded to judge", False)


@pytest.mark.parametrize(
    "failed",
    [
        answer(20.8, status=503),
        answer(20.8, status=500),
        answer(20.8, status=404),
        answer(20.8, status=0),
        answer(20.8, status=504),
        answer(20.8, status=503, kind="book", final=201),
    ],
)
def test_no_overload_excuses_another_failure(failed: TrafficRecord) -> None:
    """Not even where the machine is seen to be overloaded."""
    judgement = judged(failed, *sent(30, 40, 50, after=OUTSIDE))
    assert (judgement.finding, judgement.acceptable) == ("broken promise", False)


def test_a_write_that_is_never_settled_is_not_excused() -> None:
    assert judged(answer(20.8, 5_010.0, 504, kind="book", final=504)).finding == "too overloaded to judge"
    assert judged(answer(20.55, 5_010.0, 504, kind="book", final=504)).finding == "broken promise"


def test_no_process_waits_longer_than_the_user() -> None:
    """A request that the user gave up on counts as one whose deadline passed."""
    assert judged(answer(20.8, 10_010.0, 0)).finding == "overloaded machine"
    assert judged(answer(20.55, 10_010.0, 0)).finding == "broken promise"


NEVER_SETTLED = answer(20.8, 5_010.0, 504, kind="book", final=504)


@pytest.mark.parametrize(
    ("lost", "duplicated", "unasked", "records", "finding"),
    [
        ((), (), (), [], "kept"),
        (("one",), (), (), [expired(20.8)], "broken promise"),
        ((), (), ("one",), [], "broken promise"),
        ((), (), ("one",), [NEVER_SETTLED], "too overloaded to judge"),
        (("one",), (), ("another",), [NEVER_SETTLED], "broken promise"),
        ((), ("one",), (), [NEVER_SETTLED], "broken promise"),
    ],
)
def test_only_a_write_of_unknown_outcome_explains_what_the_ledger_misses(
    lost: tuple[str, ...],
    duplicated: tuple[str, ...],
    unasked: tuple[str, ...],
    records: list[TrafficRecord],
    finding: str,
) -> None:
    judgement = judge_ledger(records, LedgerReport(100, 30, 0, lost, duplicated, unasked))
    assert (judgement.finding, judgement.acceptable) == (finding, finding == "kept")


def test_a_pause_lasts_from_the_fence_to_the_end_of_the_cutover() -> None:
    completed = cutover(3.0, ready=1.0, fenced=2.0, active=3.0)
    aborted_after_the_fence = cutover(6.0, ready=4.0, fenced=5.0)
    aborted_before_the_fence = cutover(8.0, ready=7.0)
    unsettled = cutover(None, ready=9.0, fenced=10.0)
    found = pauses_of([completed, aborted_after_the_fence, aborted_before_the_fence, unsettled])
    assert found == [WritePause(2.0, 3.0), WritePause(5.0, 6.0)]


def cutover(settled: float | None, **steps: float) -> Cutover:
    return Cutover(
        cutover_id=UUID(int=1),
        business_id=UUID(int=2),
        source="monolith",
        target="scheduling",
        epoch=1,
        attempt=1,
        state="active",
        fence_seconds=2.0,
        deadline_at=None,
        compared_from=None,
        actor="tests",
        reason="",
        problem=None,
        steps=[{"state": state, "at": moment(at).isoformat()} for state, at in steps.items()],
        began_at=moment(0),
        settled_at=None if settled is None else moment(settled),
    )


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        ("the fence's deadline of 2 s passed", True),
        ("replication to the scheduling database did not catch up within 2 s: see `extraction replicate status`", True),
        ("a row did not go there and back: it did not arrive from monolith to scheduling within 5 s", True),
        ("transactions that write the business did not end in time: backend 7: end them, and move the business", True),
        ("the full comparison is 71 s old (maximum 60 s): start a new cutover", True),
        ("the two sides differ (claim 7: missing): see `extraction verify`", False),
        ("the lease of the monolith database is not the one to be fenced", False),
        (None, False),
    ],
)
def test_refusals_for_lack_of_time_are_recognized(problem: str | None, expected: bool) -> None:
    assert refused_for_time(problem) is expected
