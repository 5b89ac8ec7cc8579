"""Loops run in parallel, survive their errors and stop in time."""

import logging
import threading
import time

import pytest

from contracts.chassis import loops
from contracts.chassis.loops import Loop, Worker, run


def run_for(worker: Worker, seconds: float) -> bool:
    stop = threading.Event()
    threading.Timer(seconds, stop.set).start()
    return run(worker, stop)


def test_failing_loop_is_retried_with_backoff_and_does_not_affect_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loops, "FIRST_RETRY_SECONDS", 0.01)
    failed, worked = [0.0], 0

    def failing() -> bool:
        failed.append(time.monotonic())
        raise ZeroDivisionError

    def working() -> None:
        nonlocal worked
        worked += 1

    assert run_for(Worker([Loop("failing", failing, 0), Loop("working", working, 0.001)]), 0.3)
    assert 3 <= len(failed) - 1 <= 7, "the delay doubles"
    assert worked > 50
    traces = [record for record in caplog.records if record.levelno == logging.WARNING and record.exc_info]
    assert len(traces) == 1, "the first failure with its traceback, the others in one line"


def test_step_with_more_to_do_is_repeated_at_once() -> None:
    left = 200

    def step() -> bool:
        nonlocal left
        left -= 1
        return left > 0

    assert run_for(Worker([Loop("busy", step, idle_seconds=60)]), 0.2)
    assert left == 0


def test_resources_are_closed_after_the_loops_have_ended() -> None:
    order: list[str] = []

    def step() -> None:
        time.sleep(0.05)
        order.append("step")

    run_for(Worker([Loop("slow", step, 0)], closing=[lambda: order.append("closed")]), 0.07)
    assert order[-1] == "closed"
    assert order.count("closed") == 1


def test_hanging_loop_does_not_delay_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "STOP_SECONDS", 0.1)
    release = threading.Event()
    began = time.monotonic()
    assert not run_for(Worker([Loop("hanging", release.wait, 0)]), 0.05)
    assert time.monotonic() - began < 1
    release.set()


def test_long_step_is_interrupted_when_the_process_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "INTERRUPT_SECONDS", 0.05)
    release = threading.Event()
    assert run_for(Worker([Loop("long", release.wait, 0, interrupt=release.set)]), 0.05)
