"""The processor share of each tenant, alone and while others are active."""

from collections.abc import Callable, Sequence

import pytest

from contracts.chassis.admission import SHARE_OF_LONG, AdmissionQueue, Priority, RequestClass
from tests.unit.chassis.waiting_requests import TARGET, book, prove_existence, queue_of, read, search, start_all
from tests.unit.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_searches_of_a_tenant_pause_after_a_long_one_while_others_are_active(clock: Clock) -> None:
    queue = queue_of(clock, 8, [search("calm"), search("busy"), book("busy")])
    for ticket in start_all(queue):
        ticket.processor_seconds = 0.001 if ticket.kind.tenant == "calm" else 0.1
        queue.finished(ticket)
    for kind in (search("busy"), book("busy")):
        queue.add(kind, kind)
    assert [ticket.kind.priority for ticket in start_all(queue)] == [Priority.BOOK], "only searches pause"
    clock.seconds += 0.1 / SHARE_OF_LONG
    assert [ticket.kind.tenant for ticket in start_all(queue)] == ["busy"]


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


def test_tenants_that_use_up_their_shares_with_no_other_active_divide_the_whole_processor(clock: Clock) -> None:
    queue, used, began = queue_of(clock, 8), dict.fromkeys(["one", "two", "three"], 0.0), clock.seconds
    while clock.seconds < began + 20:
        while len(queue) < 12:
            for tenant in used:
                queue.add(search(tenant), search(tenant))
        clock.seconds += 0.0001
        for ticket in start_all(queue):
            ticket.tenant_exists, ticket.processor_seconds = True, 0.003
            clock.seconds += 0.003
            used[ticket.kind.tenant] += 0.003
            queue.finished(ticket)
    assert [each / 20 for each in used.values()] == pytest.approx([1 / 3] * 3, rel=0.1)


def test_tenant_that_has_used_the_whole_processor_alone_continues_when_another_appears(clock: Clock) -> None:
    queue = queue_of(clock, 8, [search("busy")])
    for _ in range(1000):
        (ticket,) = start_all(queue)
        clock.seconds += 0.01
        ticket.processor_seconds = 0.01
        queue.finished(ticket)
        queue.add(search("busy"), search("busy"))
    prove_existence(queue, "calm")
    clock.seconds += TARGET / 2
    assert [ticket.kind.tenant for ticket in start_all(queue)] == ["busy"]


@pytest.mark.parametrize("seconds", [0.1, 1.0])
def test_process_that_stood_still_refuses_none_of_the_requests_that_ran_or_waited(clock: Clock, seconds: float) -> None:
    tenants = ["one", "two", "three"]
    queue = queue_of(clock, 24, [kind(tenant) for tenant in tenants for kind in [search, read] * 2])
    prove_existence(queue, "calm")
    stopped = start_all(queue)
    clock.seconds += seconds
    for ticket in stopped:
        ticket.tenant_exists, ticket.processor_seconds, ticket.waited_seconds = True, 0.002, seconds - 0.002
        queue.finished(ticket)
    prove_existence(queue, "calm")
    for tenant in tenants:
        queue.add(search(tenant), search(tenant))
    clock.seconds += 0.5
    prove_existence(queue, "calm")
    assert list(queue.refuse_late()) == []
    assert {ticket.kind.tenant for ticket in start_all(queue)} == set(tenants)


def test_requests_that_wait_for_the_processor_at_once_are_charged_its_time_once(clock: Clock) -> None:
    queue, used, began = queue_of(clock, 8), 0.0, clock.seconds
    for moment in range(20_000):  # of each millisecond, the process gets a tenth
        if moment % 500 == 0:
            queue.add(book("calm"), book("calm"))
        while len(queue) < 8:
            queue.add(search("busy"), search("busy"))
        started = start_all(queue)
        clock.seconds += 0.001 + 0.01 * len(started)
        for ticket in started:
            ticket.tenant_exists, ticket.processor_seconds = True, 0.001
            ticket.waited_seconds = 0.01 * len(started) - 0.001
            used += 0.001 * (ticket.kind.tenant == "busy")
            queue.finished(ticket)
    assert used * 10 / (clock.seconds - began) == pytest.approx(1 / 4, rel=0.15)


def test_tenant_alone_searches_without_pauses(clock: Clock) -> None:
    queue = queue_of(clock, 8, [search("one")])
    for _ in range(5):
        (ticket,) = start_all(queue)
        ticket.processor_seconds = 1.0
        queue.finished(ticket)
        queue.add(search("one"), search("one"))
