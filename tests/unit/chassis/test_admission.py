"""The order of waiting requests, and the refusal of late ones."""

from collections.abc import Callable, Iterable, Sequence

import pytest

from contracts.chassis.admission import (
    ACTIVE_SECONDS,
    BURST_FACTOR,
    SHARE_OF_LONG,
    AdmissionQueue,
    Priority,
    RequestClass,
    Ticket,
    shared_places,
)

TARGET = 0.25


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def search(tenant: str) -> RequestClass:
    return RequestClass(Priority.SEARCH, tenant, shared=True)


def book(tenant: str) -> RequestClass:
    return RequestClass(Priority.BOOK, tenant, shared=True)


def queue_of(clock: Clock, places: int, waiting: Iterable[RequestClass] = ()) -> AdmissionQueue[RequestClass]:
    """Return a queue with waiting requests, whose tenants are known to exist."""
    queue, kinds = AdmissionQueue[RequestClass](places, target=TARGET, now=clock), list(waiting)
    for tenant in {kind.tenant for kind in kinds} - {""}:
        prove_existence(queue, tenant)
    for each in kinds:
        queue.add(each, each)
    return queue


def prove_existence(queue: AdmissionQueue[RequestClass], tenant: str) -> None:
    queue.add(book(tenant), book(tenant))
    ticket = queue.start_next()
    assert ticket is not None
    ticket.tenant_exists = True
    queue.finished(ticket)


def start_all(queue: AdmissionQueue[RequestClass]) -> list[Ticket[RequestClass]]:
    """Start what may start now."""
    started = []
    while (ticket := queue.start_next()) is not None:
        started.append(ticket)
    return started


def in_turn(queue: AdmissionQueue[RequestClass]) -> list[RequestClass]:
    """Run everything to its end, one after the other, and return the order."""
    order = []
    while (ticket := queue.start_next()) is not None:
        order.append(ticket.item)
        queue.finished(ticket)
    return order


def test_higher_priorities_start_first(clock: Clock) -> None:
    kinds = [RequestClass(priority) for priority in reversed(Priority)]
    assert [kind.priority for kind in in_turn(queue_of(clock, 1, kinds))] == list(Priority)


def test_tenants_take_turns_and_each_keeps_its_order(clock: Clock) -> None:
    waiting = [book("busy"), book("busy"), book("busy"), book("calm"), book("other"), book("calm")]
    order = [kind.tenant for kind in in_turn(queue_of(clock, 1, waiting))]
    assert order == ["busy", "calm", "other", "busy", "calm", "busy"]


def test_no_more_requests_run_than_there_are_places(clock: Clock) -> None:
    queue = queue_of(clock, 2, [RequestClass()] * 3)
    first, _ = start_all(queue)
    assert len(queue) == 1
    queue.finished(first)
    assert len(start_all(queue)) == 1


@pytest.mark.parametrize("places", [1, 2, 4, 8])
def test_shared_dependency_leaves_places_to_the_others(clock: Clock, places: int) -> None:
    queue = queue_of(clock, places, [book("one")] * 20)
    assert len(start_all(queue)) == shared_places(places) == max(1, places * 3 // 4)
    queue.add(RequestClass(Priority.OTHER, "one"), RequestClass(Priority.OTHER, "one"))
    assert len(start_all(queue)) == (places > 1)


def test_requests_that_wait_for_the_shared_dependency_block_no_others_of_their_tenant(clock: Clock) -> None:
    queue = queue_of(clock, 4, [RequestClass(Priority.OTHER, "one", shared=True)] * 10)
    assert len(start_all(queue)) == 3
    queue.add(RequestClass(Priority.OTHER, "one"), RequestClass(Priority.OTHER, "one"))
    assert [ticket.kind.shared for ticket in start_all(queue)] == [False]


def test_one_tenant_alone_is_not_limited_as_a_tenant(clock: Clock) -> None:
    assert len(start_all(queue_of(clock, 8, [search("one")] * 8))) == shared_places(8)


def test_tenant_has_half_of_the_places_while_others_are_active_and_a_quarter_for_searches(clock: Clock) -> None:
    queue = queue_of(clock, 8, [*[search("busy")] * 8, *[book("busy")] * 8, search("calm")])
    started = [(ticket.kind.priority, ticket.kind.tenant) for ticket in start_all(queue)]
    assert started == [*[(Priority.BOOK, "busy")] * 4, (Priority.SEARCH, "calm")]
    queue = queue_of(clock, 8, [*[search("busy")] * 8, search("calm")])
    assert sorted(ticket.kind.tenant for ticket in start_all(queue)) == ["busy", "busy", "calm"]


def test_invented_tenants_limit_no_other(clock: Clock) -> None:
    queue = queue_of(clock, 8)
    prove_existence(queue, "one")
    for number in range(4):
        queue.add(book(f"invented {number}"), book(f"invented {number}"))
    for ticket in start_all(queue):
        queue.finished(ticket)
    for _ in range(8):
        queue.add(search("one"), search("one"))
    assert len(start_all(queue)) == shared_places(8)


def test_limit_of_a_tenant_ends_soon_after_the_last_request_of_another(clock: Clock) -> None:
    queue = queue_of(clock, 8, [search("calm"), *[search("busy")] * 8])
    assert len(start_all(queue)) == 3
    clock.seconds += ACTIVE_SECONDS
    assert len(start_all(queue)) == shared_places(8) - 3


def test_searches_of_a_tenant_pause_after_a_long_one_while_others_are_active(clock: Clock) -> None:
    queue = queue_of(clock, 8, [search("calm"), search("busy"), book("busy")])
    for ticket in start_all(queue):
        ticket.processor_seconds = 0.1
        queue.finished(ticket)
    for kind in (search("busy"), book("busy")):
        queue.add(kind, kind)
    assert [ticket.kind.priority for ticket in start_all(queue)] == [Priority.BOOK], "only searches pause"
    clock.seconds += 0.1 / SHARE_OF_LONG
    assert [ticket.kind.tenant for ticket in start_all(queue)] == ["busy"]


@pytest.mark.parametrize(("places", "expected"), [(8, 2), (2, 1)])
def test_streamed_requests_never_occupy_most_places(clock: Clock, places: int, expected: int) -> None:
    queue = queue_of(clock, places, [RequestClass(Priority.SEARCH, streamed=True)] * places)
    assert len(start_all(queue)) == expected


def read(tenant: str) -> RequestClass:
    return RequestClass(Priority.OTHER, tenant, shared=True)


def used_by(queue: AdmissionQueue[RequestClass], clock: Clock, kinds: Sequence[RequestClass], calm: int) -> list[float]:
    """Return how many seconds of 20 each kind used, always waiting, beside tenants with a request each half second."""
    used = dict.fromkeys(kinds, 0.0)
    for moment in range(20_000):
        if moment % 500 == 0:
            for number in range(calm):
                queue.add(book(f"calm {number}"), book(f"calm {number}"))
        while len(queue) < 4 * len(kinds):
            for kind in kinds:
                queue.add(kind, kind)
        for ticket in start_all(queue):
            ticket.tenant_exists = True
            if ticket.kind in used:
                ticket.processor_seconds = 0.003
                used[ticket.kind] += 0.003
            queue.finished(ticket)
        clock.seconds += 0.001
    return list(used.values())


@pytest.mark.parametrize("kind", [search, read, book])
@pytest.mark.parametrize("calm", [1, 9])
def test_tenant_uses_a_quarter_of_the_processor_beside_calm_ones(
    clock: Clock, calm: int, kind: Callable[[str], RequestClass]
) -> None:
    [used] = used_by(queue_of(clock, 8), clock, [kind("busy")], calm)
    assert used / 20 == pytest.approx(1 / 4, rel=0.1)


def test_tenant_beside_another_with_a_comparable_load_uses_half_of_the_processor(clock: Clock) -> None:
    queue, used = queue_of(clock, 8), 0.0
    for moment in range(20_000):
        if moment % 10 == 0:  # a sixth of a processor
            queue.add(search("other"), search("other"))
        while len(queue) < 4:
            queue.add(search("busy"), search("busy"))
        for ticket in start_all(queue):
            ticket.tenant_exists, busy = True, ticket.kind.tenant == "busy"
            ticket.processor_seconds = 0.003 if busy else 0.0017
            used += 0.003 * busy
            queue.finished(ticket)
        clock.seconds += 0.001
    assert used / 20 == pytest.approx(1 / 2, rel=0.1)


@pytest.mark.parametrize("kind", [search, read, book])
@pytest.mark.parametrize(("busy", "share"), [(2, 1 / 3), (3, 1 / 4), (6, 1 / 4)])
def test_tenants_that_use_up_their_shares_leave_one_to_the_others(
    clock: Clock, busy: int, share: float, kind: Callable[[str], RequestClass]
) -> None:
    used = used_by(queue_of(clock, 8), clock, [kind(f"busy {number}") for number in range(busy)], calm=1)
    assert [each / 20 for each in used] == pytest.approx([share] * busy, rel=0.15)


def test_tenant_alone_searches_without_pauses(clock: Clock) -> None:
    queue = queue_of(clock, 8, [search("one")])
    for _ in range(5):
        (ticket,) = start_all(queue)
        ticket.processor_seconds = 1.0
        queue.finished(ticket)
        queue.add(search("one"), search("one"))


def test_burst_may_wait_for_longer_than_the_target(clock: Clock) -> None:
    queue = queue_of(clock, 1, [RequestClass()] * 10)
    clock.seconds += TARGET * BURST_FACTOR - 0.01
    assert list(queue.refuse_late()) == []
    clock.seconds += 0.01
    assert len(list(queue.refuse_late())) == 10


def test_standing_queue_is_kept_short(clock: Clock) -> None:
    queue = queue_of(clock, 1)
    step, refused = 0.05, 0
    for _ in range(200):  # twice as many arrive as can be handled
        for _ in range(2):
            queue.add(RequestClass(), RequestClass())
        ticket = queue.start_next()
        assert ticket is not None
        queue.finished(ticket)
        clock.seconds += step
        refused += len(list(queue.refuse_late()))
    assert len(queue) <= 2 * TARGET / step
    assert refused == pytest.approx(200, abs=20), "as many as exceed the capacity"


def test_refused_request_is_not_started_and_a_started_one_not_refused(clock: Clock) -> None:
    queue = queue_of(clock, 2, [RequestClass(Priority.SEARCH, "one"), RequestClass(Priority.BOOK, "two")])
    first = queue.start_next()
    assert first is not None
    assert first.kind.priority == Priority.BOOK
    clock.seconds += TARGET * BURST_FACTOR
    assert [ticket.kind.priority for ticket in queue.refuse_late()] == [Priority.SEARCH]
    assert (queue.start_next(), len(queue)) == (None, 0)


def test_queue_that_has_been_empty_absorbs_a_burst_again(clock: Clock) -> None:
    queue = queue_of(clock, 1, [RequestClass()])
    clock.seconds += 2 * TARGET * BURST_FACTOR
    assert queue.patience() == TARGET
    assert len(start_all(queue)) == 1
    queue.add(RequestClass(), RequestClass())
    assert queue.patience() == TARGET * BURST_FACTOR
