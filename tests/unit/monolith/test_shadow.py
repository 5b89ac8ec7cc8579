"""How two answers are compared, and what is kept of a difference."""

import typing
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import new_trace
from contracts.chassis.values import Note
from contracts.scheduling import models as m
from contracts.scheduling.codec import encode_error, encode_reply
from contracts.scheduling.context import ANONYMOUS, CallContext
from contracts.scheduling.errors import (
    DeadlineExceeded,
    NotOwner,
    OfferingNotFound,
    Unauthenticated,
    Unavailable,
)
from contracts.scheduling.models.kinds import Reply
from contracts.scheduling.operations import Operation, operation_of
from contracts.scheduling.port import SchedulingPort
from contracts.scheduling.values import DatabaseName
from monolith.cutover.shadow import examples
from monolith.cutover.shadow.comparison import ComparisonResult, PendingRecheck, ReadComparer
from monolith.cutover.shadow.counts import MAX_BUFFERED, ComparisonCounts, CountsBuffer
from monolith.cutover.shadow.sampling import ReadSampler
from monolith.cutover.shadow.shadow_read import ShadowRead, ShadowReply

ONE = m.Holidays(holidays=())
ANOTHER = m.Holidays(holidays=(m.Holiday(date="2040-06-04", name="Whit Monday"),))  # type: ignore[arg-type]
A_THIRD = m.Holidays(holidays=(m.Holiday(date="2040-06-05", name="Tuesday"),))  # type: ignore[arg-type]
NO_ANSWERS = [
    Unavailable("away"),
    DeadlineExceeded("late"),
    NotOwner("moved"),
    Unauthenticated("who?"),
    KeyError("a bug"),
]


class ScriptedSide(SchedulingPort):
    """Says these, one after the other, and then nothing more."""

    def __init__(self, says: Sequence[Reply | Exception]) -> None:
        self.left = list(says)

    def call(self, operation: Operation[Any, Any], ctx: CallContext, request: Any) -> Any:
        assert ctx.deadline.remaining() <= 1.0
        said = self.left.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


def compared(
    answer: ShadowReply, owner: Sequence[Reply | Exception] = (), candidate: Sequence[Reply | Exception] = ()
) -> ComparisonResult:
    """All that the sides can say is asked for, and nothing more."""
    sides: dict[DatabaseName, ScriptedSide] = {"monolith": ScriptedSide(owner), "scheduling": ScriptedSide(candidate)}
    comparing = ReadComparer(sides, pause_seconds=0.0)
    found = comparing.compare(read(answer))
    if isinstance(found, PendingRecheck):
        found = comparing.recheck(found)
    assert [side.left for side in sides.values()] == [[], []]
    return found


def read(answer: ShadowReply) -> ShadowRead:
    ctx = CallContext(uuid4(), ANONYMOUS, Deadline.after(0), new_trace())
    return ShadowRead(operation_of(SchedulingPort.list_holidays), ctx, m.ListHolidays(), "monolith", answer, 0.001)


def test_the_same_answer_is_asked_for_once() -> None:
    assert compared(ONE, [], [ONE]).outcome == "same"


def test_a_difference_that_is_still_there_counts() -> None:
    found = compared(ONE, [ONE], [ANOTHER, ANOTHER])
    assert found.outcome == "different"
    assert found.example is not None
    assert found.example.places[0] == examples.DifferingField("holidays", "0 entries", "1 entries")


def test_a_candidate_that_comes_after_is_the_same() -> None:
    assert compared(ANOTHER, [], [ONE, ANOTHER]).outcome == "same"
    assert compared(ONE, [ANOTHER], [ANOTHER, ANOTHER]).outcome == "same"


def test_an_owner_that_changes_meanwhile_settles_nothing() -> None:
    assert compared(ONE, [A_THIRD], [ANOTHER, ANOTHER]).outcome == "unsettled"
    assert compared(ONE, [Unavailable("away")], [ANOTHER, ANOTHER]).outcome == "unsettled"


@pytest.mark.parametrize("error", NO_ANSWERS, ids=lambda error: type(error).__name__)
def test_no_answer_is_a_failure_whatever_was_raised(error: Exception) -> None:
    first = compared(ONE, [], [error])
    assert (first.outcome, first.seconds) == ("failed", 0.0)
    assert first.problem
    assert compared(ONE, [], [ANOTHER, error]).outcome == "failed"


def test_an_error_about_the_data_is_an_answer() -> None:
    error = OfferingNotFound("There is no such offering.")
    assert compared(encode_error(error), [], [error]).outcome == "same"
    assert compared(ONE, [ONE], [error, error]).outcome == "different"
    assert compared(encode_error(error), [error], [ONE, ONE]).outcome == "different"


def test_a_business_is_the_same_in_every_epoch() -> None:
    one, another = (m.Business(business_id=UUID(int=1), name="A", zone="UTC", epoch=epoch) for epoch in (1, 4))
    assert compared(one, [], [another]).outcome == "same"


def test_every_field_that_holds_a_note_is_left_out_of_examples() -> None:
    fields = {
        name
        for model in vars(m).values()
        if isinstance(model, type) and issubclass(model, msgspec.Struct)
        for name, kind in typing.get_type_hints(model, include_extras=True).items()
        if Note in (kind, *typing.get_args(kind))
    }
    assert fields == examples.NOTES


def test_an_example_is_short_and_names_the_places() -> None:
    long = m.Holidays(
        holidays=tuple(m.Holiday(date=f"2040-06-{day:02}", name="x" * 100) for day in range(1, 29))  # type: ignore[arg-type]
    )
    other = msgspec.json.decode(encode_reply(long))
    for each in other["holidays"]:
        each["name"] = "y" * 300
    example = examples.build_example(read(long), encode_reply(long), msgspec.json.encode(other))
    assert len(msgspec.json.encode(example)) < 7_000
    assert len(example.places) == examples.MAX_FIELDS
    assert example.places[1].at == "holidays[1].name"
    assert example.places[1].candidate.endswith("…")


def test_counts_that_are_given_back_are_added_and_never_too_many() -> None:
    tally = CountsBuffer()
    tally.add("get_agenda", 0.002, ComparisonResult("same", 0.004))
    taken = tally.drain()
    assert tally.drain() == {}
    tally.add("get_agenda", 0.001, ComparisonResult("failed", problem="away"))
    tally.restore(taken)
    together = ComparisonCounts()
    for counts in tally.drain().values():
        together.add(counts)
    assert together == ComparisonCounts(compared=1, failed=1, owner_ms=2.0, candidate_ms=4.0, problem="away")

    for number in range(MAX_BUFFERED + 10):
        tally.add(f"operation {number}", 0.0, ComparisonResult("dropped"))
    tally.restore({})
    assert len(tally.drain()) == MAX_BUFFERED


def test_a_flag_is_not_asked_at_every_read() -> None:
    asked: list[UUID] = []

    def percent_for(business_id: UUID) -> float:
        asked.append(business_id)
        return 0.0

    share = ReadSampler(percent_for)
    one, another = uuid4(), uuid4()
    assert not any(share.selects(business_id) for business_id in (one, another) * 100)
    assert len(asked) <= 4
