"""The circuit breaker opens, probes and closes, on a simulated clock."""

import threading

import pytest

from monolith.modules.scheduling.adapters.breaker import Breaker, BreakerOpen
from tests.unit.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(row=3, window=10, cooldown=5, now=clock)


def call(breaker: Breaker, ok: bool | None) -> None:
    breaker.report(breaker.admit(), ok)


def fail(breaker: Breaker, times: int = 3) -> None:
    for _ in range(times):
        call(breaker, False)


def test_consecutive_failures_open_the_breaker(breaker: Breaker) -> None:
    fail(breaker, 2)
    call(breaker, True)
    fail(breaker, 2)
    assert not breaker.is_open()
    fail(breaker, 1)
    assert breaker.is_open()
    with pytest.raises(BreakerOpen) as caught:
        breaker.admit()
    assert caught.value.retry_after == 5


def test_failure_rate_of_one_half_opens_the_breaker(breaker: Breaker) -> None:
    for _ in range(4):
        call(breaker, True)
        call(breaker, False)
    assert not breaker.is_open()
    call(breaker, True)
    call(breaker, False)
    assert breaker.is_open()


def test_inconclusive_calls_do_not_count(breaker: Breaker) -> None:
    fail(breaker, 2)
    for _ in range(20):
        call(breaker, None)
    assert not breaker.is_open()
    fail(breaker, 1)
    assert breaker.is_open()


def test_successful_probe_closes_the_breaker(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.seconds += 5
    call(breaker, True)
    assert not breaker.is_open()
    fail(breaker, 2)
    assert not breaker.is_open(), "earlier failures no longer count"


def test_failed_probe_restarts_the_cooldown(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.seconds += 5
    call(breaker, False)
    clock.seconds += 4.9
    with pytest.raises(BreakerOpen):
        breaker.admit()
    clock.seconds += 0.1
    breaker.admit()


def test_inconclusive_probe_allows_the_next_one(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.seconds += 5
    call(breaker, None)
    assert breaker.is_open()
    call(breaker, True)
    assert not breaker.is_open()


def test_calls_from_before_a_state_change_do_not_count(breaker: Breaker, clock: Clock) -> None:
    slow = [breaker.admit() for _ in range(4)]
    fail(breaker)
    clock.seconds += 5
    probe = breaker.admit()
    breaker.report(slow[0], True)
    assert breaker.is_open()
    breaker.report(probe, True)
    for each in slow[1:]:
        breaker.report(each, False)
    assert not breaker.is_open()


def test_one_concurrent_call_becomes_the_probe(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.seconds += 5
    gate, admitted = threading.Barrier(16), []

    def one() -> None:
        gate.wait()
        try:
            admitted.append(breaker.admit())
        except BreakerOpen:
            return

    threads = [threading.Thread(target=one) for _ in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(admitted) == 1
