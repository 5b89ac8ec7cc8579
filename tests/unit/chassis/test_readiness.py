"""Readiness reports each failed check within a time limit, and runs a check once at a time."""

import threading
import time
from collections.abc import Iterator

import pytest

from contracts.chassis.readiness import Check, Readiness


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def failing() -> str | None:
    raise ZeroDivisionError


def test_process_is_ready_if_every_check_passes() -> None:
    assert Readiness([Check("a", lambda: None), Check("b", lambda: None)]).missing() == {}
    assert Readiness([]).missing() == {}


def test_failed_checks_are_reported_by_name() -> None:
    checks = [Check("a", lambda: "Start a."), Check("b", lambda: None), Check("c", failing)]
    assert Readiness(checks).missing() == {"a": "Start a.", "c": "c cannot be checked: ZeroDivisionError."}


def test_hanging_checks_fail_within_the_time_limit(release: threading.Event) -> None:
    def hanging() -> str | None:
        release.wait(10)
        return None

    ready = Readiness([Check("a", hanging), Check("b", hanging), Check("c", lambda: None)], timeout=0.1)
    began = time.monotonic()
    missing = ready.missing()
    assert time.monotonic() - began < 1
    assert missing == {name: f"{name} has not answered within 0.1 s." for name in ("a", "b")}


def test_concurrent_probes_share_one_execution(release: threading.Event) -> None:
    calls: list[None] = []

    def counting() -> str | None:
        calls.append(None)
        release.wait(10)
        return None

    ready = Readiness([Check("a", counting)], timeout=0.05)
    for _ in range(3):
        assert ready.missing()
    assert len(calls) == 1
