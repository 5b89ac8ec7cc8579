"""The time in which no request of the traffic succeeded."""

import pytest

from loadtests.harness.traffic.open_loop import TrafficRecord
from loadtests.rehearsal.measuring import longest_outage


def read(at: float, status: int) -> TrafficRecord:
    return TrafficRecord("traffic", "read", at, 500.0, status, status)


@pytest.mark.parametrize("before", [[], [read(8.0, 200)]])
def test_an_outage_lasts_from_the_last_success_or_the_fault(before: list[TrafficRecord]) -> None:
    records = [*before, read(11.0, 503), read(29.5, 200), read(30.0, 200)]
    since = 8.5 if before else 10.0
    assert longest_outage(records, "reads", since) == 30.0 - since


def test_service_that_does_not_return_is_no_short_outage() -> None:
    assert longest_outage([read(8.0, 200), read(11.0, 503)], "reads", 9.0) == float("inf")
