"""The order of waiting requests, and the refusal of late ones."""

import pytest

from contracts.chassis.active_tenants import ACTIVE_SECONDS
from contracts.chassis.admission import (
    BURST_FACTOR,
    UNKNOWN_TENANT,
    AdmissionQueue,
    Priority,
    RequestClass,
    shared_places,
)
from tests.unit.chassis.waiting_requests import TARGET, book, prove_existence, queue_of, search, start_all
from tests.unit.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


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


def test_searches_leave_the_processor_to_a_running_request_of_another_module(clock: Clock) -> None:
    queue = queue_of(clock, 8, [RequestClass(Priority.OTHER), *(search(f"tenant {n}") for n in range(20))])
    other, *searches = start_all(queue)
    assert other.kind.priority is Priority.OTHER
    assert len(searches) == 8 // 4
    queue.finished(other)
    assert len(searches) + len(start_all(queue)) == shared_places(8)


def test_no_search_starts_beside_another_module_while_a_quarter_or_more_run(clock: Clock) -> None:
    queue = queue_of(clock, 8, [search(f"tenant {n}") for n in range(20)])
    searches = start_all(queue)
    queue.add(RequestClass(Priority.OTHER), RequestClass(Priority.OTHER))
    assert len(start_all(queue)) == 1
    for ticket in searches[: shared_places(8) - 8 // 4]:
        queue.finished(ticket)
        assert not start_all(queue)
    queue.finished(searches[-1])
    assert len(start_all(queue)) == 1


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


@pytest.mark.parametrize(("places", "expected"), [(8, 2), (2, 1)])
def test_streamed_requests_never_occupy_most_places(clock: Clock, places: int, expected: int) -> None:
    queue = queue_of(clock, places, [RequestClass(Priority.SEARCH, streamed=True)] * places)
    assert len(start_all(queue)) == expected


def test_streamed_requests_keep_no_places_of_searches(clock: Clock) -> None:
    streamed = RequestClass(Priority.SEARCH, UNKNOWN_TENANT, shared=True, streamed=True)
    queue = queue_of(clock, 8, [*[streamed] * 8, RequestClass(Priority.OTHER), *[search("one")] * 8])
    started = [(ticket.kind.tenant, ticket.kind.streamed) for ticket in start_all(queue)]
    assert sorted(started) == [("", False), (UNKNOWN_TENANT, True), (UNKNOWN_TENANT, True), *[("one", False)] * 2]


def test_streamed_requests_leave_searches_of_unknown_tenants_their_places(clock: Clock) -> None:
    feed = RequestClass(Priority.SEARCH, UNKNOWN_TENANT, shared=True)
    streamed = RequestClass(Priority.SEARCH, UNKNOWN_TENANT, shared=True, streamed=True)
    queue = queue_of(clock, 8)
    prove_existence(queue, "one")
    for kind in [*[streamed] * 8, *[feed] * 8]:
        queue.add(kind, kind)
    assert sorted(ticket.kind.streamed for ticket in start_all(queue)) == [False] * 2 + [True] * 2


@pytest.mark.parametrize(("places", "expected"), [(32, 8), (8, 2), (2, 1)])
def test_sign_ins_of_all_tenants_leave_places_to_the_others(clock: Clock, places: int, expected: int) -> None:
    """They wait for a turn to compute a hash, and hold a thread until then."""
    sign_ins = [RequestClass(Priority.SIGN_IN, f"tenant {n % 3}") for n in range(places)]
    queue = queue_of(clock, places, [*sign_ins, RequestClass()])
    assert [ticket.kind.priority for ticket in start_all(queue)] == [Priority.SIGN_IN] * expected + [Priority.OTHER]


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
