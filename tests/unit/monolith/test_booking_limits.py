"""Selection of the limits that apply to a booking."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import new_trace
from contracts.scheduling import models as m
from contracts.scheduling.context import Actor, ActorKind, CallContext
from contracts.scheduling.operations import operation_of
from contracts.scheduling.port import OPERATIONS, SchedulingPort
from monolith.modules.scheduling.rate_limits import (
    FROM_ADDRESS,
    FROM_DEVICE,
    LIMITED,
    OF_BUSINESS,
    Caller,
    RateLimitedScheduling,
)
from monolith.shared.endpoints import ApiError
from monolith.shared.rate_limits import Attempt
from monolith.shared.rate_limits.local_buckets import LocalBuckets

BUSINESS = uuid4()


class Performed(SchedulingPort):
    def __init__(self) -> None:
        self.calls: list[str] = []

    def call(self, operation: Any, ctx: CallContext, request: Any) -> Any:
        self.calls.append(operation.name)


class Recorded:
    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.count = 0

    def charge(self, *attempts: Attempt, count: int = 1) -> float:
        self.attempts += attempts
        self.count += count
        return 0.0


def context(kind: ActorKind) -> CallContext:
    return CallContext(BUSINESS, Actor(kind, uuid4()), Deadline.after(5), new_trace(None, None), "key")


def charged(kind: ActorKind, operation: Any, caller: Callable[[UUID], Caller | None]) -> list[Attempt]:
    performed, buckets = Performed(), Recorded()
    RateLimitedScheduling(performed, buckets, caller).call(operation, context(kind), None)
    assert performed.calls == [operation.name]
    return buckets.attempts


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_what_customers_take_is_limited_and_nothing_else(operation: Any) -> None:
    attempts = charged("customer", operation, lambda _: Caller("198.51.100.7", None))
    expected = [(OF_BUSINESS, str(BUSINESS)), (FROM_ADDRESS, "198.51.100.7")]
    assert attempts == (expected if operation.name in LIMITED else [])
    assert charged("staff", operation, lambda _: Caller("198.51.100.7", None)) == []


@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        (Caller("198.51.100.7", "a-device"), [(FROM_DEVICE, "a-device")]),
        (Caller("2001:db8::/64", None), [(OF_BUSINESS, str(BUSINESS)), (FROM_ADDRESS, "2001:db8::/64")]),
        (Caller("127.0.0.1", None), [(OF_BUSINESS, str(BUSINESS))]),
        (Caller("::/64", None), [(OF_BUSINESS, str(BUSINESS)), (FROM_ADDRESS, "::/64")]),
        (Caller("", None), [(OF_BUSINESS, str(BUSINESS))]),
        (None, []),
    ],
)
def test_limits_by_origin(caller: Caller | None, expected: list[Attempt]) -> None:
    (book,) = [operation for operation in OPERATIONS if operation.name == "book"]
    assert charged("customer", book, lambda _: caller) == expected


SERIES: dict[str, Any] = {
    "offering_id": uuid4(),
    "provider_id": uuid4(),
    "customer_id": uuid4(),
    "starts_at": datetime(2035, 5, 7, 9, tzinfo=UTC),
    "recurrence": m.Recurrence(every="day", count=52),
}
VISIT = m.BookVisit(customer_id=uuid4(), starts_at=SERIES["starts_at"], items=(m.VisitItem(offering_id=uuid4()),) * 8)


@pytest.mark.parametrize(
    ("operation", "request_", "count"),
    [
        (SchedulingPort.book_series, m.BookSeries(**SERIES), 52),
        (SchedulingPort.book_series, m.BookSeries(**SERIES, dry_run=True), 1),
        (SchedulingPort.book_visit, VISIT, 8),
    ],
)
def test_series_and_visits_are_charged_for_each_appointment(operation: Any, request_: Any, count: int) -> None:
    buckets = Recorded()
    port = RateLimitedScheduling(Performed(), buckets, lambda _: Caller("198.51.100.7", None))
    port.call(operation_of(operation), context("customer"), request_)
    assert buckets.count == count


def test_flood_of_one_business_from_many_addresses_is_refused_and_another_business_is_not() -> None:
    performed, addresses = Performed(), iter(range(10_000))
    port = RateLimitedScheduling(
        performed, LocalBuckets(lambda: 0.0), lambda _: Caller(f"10.0.{next(addresses) % 250}.1", None)
    )
    (hold,) = [operation for operation in OPERATIONS if operation.name == "hold"]
    request: m.Hold = None  # type: ignore[assignment]
    for _ in range(OF_BUSINESS.burst):
        port.call(hold, context("customer"), request)
    with pytest.raises(ApiError, match="Too many attempts") as refused:
        port.call(hold, context("customer"), request)
    assert refused.value.status == 429
    assert refused.value.retry_after == pytest.approx(OF_BUSINESS.seconds)
    other = CallContext(uuid4(), Actor("customer", uuid4()), Deadline.after(5), new_trace(None, None), "key")
    port.call(hold, other, request)
    assert len(performed.calls) == OF_BUSINESS.burst + 1
