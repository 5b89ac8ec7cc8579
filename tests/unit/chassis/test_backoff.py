"""Backoff doubles the delay with each failure, up to a limit, and limits the rate of log messages."""

import pytest

from contracts.chassis.backoff import Backoff, Every, backoff_delay


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("contracts.chassis.backoff.time.monotonic", clock.monotonic)
    return clock


def test_delay_doubles_up_to_the_longest() -> None:
    assert [backoff_delay(n, first=0.1, longest=1.0) for n in range(1, 7)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert backoff_delay(10_000, first=0.1, longest=1.0) == 1.0


def test_failure_pauses_for_the_returned_delay(clock: Clock) -> None:
    backoff = Backoff(first=1, longest=10)
    assert not backoff.paused()
    assert backoff.failed() == 1
    assert backoff.failed() == 2
    clock.now += 1.9
    assert backoff.paused()
    clock.now += 0.2
    assert not backoff.paused()


def test_success_resets_the_delay_and_reports_the_recovery_once(clock: Clock) -> None:
    backoff, recovered = Backoff(first=1, longest=10), []
    backoff.succeeded(lambda: recovered.append("at first"))
    backoff.failed()
    backoff.failed()
    backoff.succeeded(lambda: recovered.append("after two failures"))
    backoff.succeeded(lambda: recovered.append("again"))
    assert recovered == ["after two failures"]
    assert (backoff.failures, backoff.failed()) == (0, 1)


def test_failures_are_logged_once_per_period_and_again_after_a_recovery(clock: Clock) -> None:
    backoff = Backoff(first=1, longest=10, log_every=10)
    assert [backoff.should_log(), backoff.should_log()] == [True, False]
    clock.now += 11
    assert backoff.should_log()
    backoff.failed()
    backoff.succeeded()
    assert backoff.should_log()


def test_every_is_due_at_first_and_then_once_per_period(clock: Clock) -> None:
    every = Every(5)
    assert [every.due(), every.due()] == [True, False]
    clock.now += 5
    assert every.due()
    every.make_due()
    assert every.due()
