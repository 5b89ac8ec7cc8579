"""The circuit breaker by itself, with a clock that the tests move."""

import threading

import pytest

from monolith.modules.scheduling.adapters.breaker import Breaker, BreakerOpen


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


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


def test_failures_in_a_row_open_it(breaker: Breaker) -> None:
    fail(breaker, 2)
    call(breaker, True)
    fail(breaker, 2)
    assert not breaker.is_open()
    fail(breaker, 1)
    assert breaker.is_open()
    with pytest.raises(BreakerOpen) as caught:
        breaker.admit()
    assert caught.value.retry_after == 5


def test_failing_half_of_the_time_opens_it(breaker: Breaker) -> None:
    for _ in range(4):
        call(breaker, True)
        call(breaker, False)
    assert not breaker.is_open()
    call(breaker, True)
    call(breaker, False)
    assert breaker.is_open()


def test_calls_that_tell_nothing_change_nothing(breaker: Breaker) -> None:
    fail(breaker, 2)
    for _ in range(20):
        call(breaker, None)
    assert not breaker.is_open()
    fail(breaker, 1)
    assert breaker.is_open()


def test_a_probe_that_succeeds_closes_it(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.seconds += 5
    call(breaker, True)
    assert not breaker.is_open()
    fail(breaker, 2)
    assert not breaker.is_open(), "the failures from before are forgotten"


def test_a_probe_that_fails_begins_the_cooldown_anew(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.seconds += 5
    call(breaker, False)
    clock.seconds += 4.9
    with pytest.raises(BreakerOpen):
        breaker.admit()
    clock.seconds += 0.1
    breaker.admit()


def test_a_probe_that_tells_nothing_makes_room_for_the_next(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.seconds += 5
    call(breaker, None)
    assert breaker.is_open()
    call(breaker, True)
    assert not breaker.is_open()


def test_what_began_before_a_change_does_not_count_after_it(breaker: Breaker, clock: Clock) -> None:
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


def test_of_a_herd_one_gets_through(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.seconds += 5
    gate, admitted = threading.Barrier(16), []

    def one() -> None:
        gate.wait()
        try:
            admitted.append(breaker.admit())
        except BreakerOpen:
            return

    herd = [threading.Thread(target=one) for _ in range(16)]
    for each in herd:
        each.start()
    for each in herd:
        each.join()
    assert len(admitted) == 1
