"""The comparison of two replies, and the stored example of a difference."""

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
READ_FAILURES = [
    Unavailable("away"),
    DeadlineExceeded("late"),
    NotOwner("moved"),
    Unauthenticated("who?"),
    KeyError("a bug"),
]


class ScriptedPort(SchedulingPort):
    """A port that gives the replies in order, and fails a call beyond them."""

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
    """Compare scripted replies, and assert that each is requested exactly once."""
    ports: dict[DatabaseName, ScriptedPort] = {"monolith": ScriptedPort(owner), "scheduling": ScriptedPort(candidate)}
    comparing = ReadComparer(ports, pause_seconds=0.0)
    found = comparing.compare(read(answer))
    if isinstance(found, PendingRecheck):
        found = comparing.recheck(found)
    assert [port.left for port in ports.values()] == [[], []]
    return found


def read(answer: ShadowReply) -> ShadowRead:
    ctx = CallContext(uuid4(), ANONYMOUS, Deadline.after(0), new_trace())
    return ShadowRead(operation_of(SchedulingPort.list_holidays), ctx, m.ListHolidays(), "monolith", answer, 0.001)


def test_equal_replies_need_one_comparison() -> None:
    assert compared(ONE, [], [ONE]).outcome == "same"


def test_persistent_difference_counts() -> None:
    found = compared(ONE, [ONE], [ANOTHER, ANOTHER])
    assert found.outcome == "different"
    assert found.example is not None
    assert found.example.places[0] == examples.DifferingField("holidays", "0 entries", "1 entries")


def test_candidate_that_catches_up_counts_as_equal() -> None:
    assert compared(ANOTHER, [], [ONE, ANOTHER]).outcome == "same"
    assert compared(ONE, [ANOTHER], [ANOTHER, ANOTHER]).outcome == "same"


def test_changing_owner_reply_is_unsettled() -> None:
    assert compared(ONE, [A_THIRD], [ANOTHER, ANOTHER]).outcome == "unsettled"
    assert compared(ONE, [Unavailable("away")], [ANOTHER, ANOTHER]).outcome == "unsettled"


@pytest.mark.parametrize("error", READ_FAILURES, ids=lambda error: type(error).__name__)
def test_any_error_of_the_candidate_is_a_failure(error: Exception) -> None:
    first = compared(ONE, [], [error])
    assert (first.outcome, first.seconds) == ("failed", 0.0)
    assert first.problem
    assert compared(ONE, [], [ANOTHER, error]).outcome == "failed"


def test_error_about_the_data_is_a_reply() -> None:
    error = OfferingNotFound("There is no such offering.")
    assert compared(encode_error(error), [], [error]).outcome == "same"
    assert compared(ONE, [ONE], [error, error]).outcome == "different"
    assert compared(encode_error(error), [error], [ONE, ONE]).outcome == "different"


def test_epoch_is_ignored() -> None:
    one, another = (m.Business(business_id=UUID(int=1), name="A", zone="UTC", epoch=epoch) for epoch in (1, 4))
    assert compared(one, [], [another]).outcome == "same"


def test_examples_contain_no_free_text() -> None:
    fields = {
        name
        for model in vars(m).values()
        if isinstance(model, type) and issubclass(model, msgspec.Struct)
        for name, kind in typing.get_type_hints(model, include_extras=True).items()
        if Note in (kind, *typing.get_args(kind))
    }
    assert fields == examples.FREE_TEXT_FIELDS


def test_example_is_short_and_names_the_fields() -> None:
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


def test_restored_counts_are_added_up_to_the_limit() -> None:
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


def test_flag_is_cached_between_reads() -> None:
    asked: list[UUID] = []

    def percent_for(business_id: UUID) -> float:
        asked.append(business_id)
        return 0.0

    share = ReadSampler(percent_for)
    one, another = uuid4(), uuid4()
    assert not any(share.selects(business_id) for business_id in (one, another) * 100)
    assert len(asked) <= 4
