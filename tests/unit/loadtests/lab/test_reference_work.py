"""Selection of the measurements of the reference work on a virtual machine with busy neighbours."""

from collections.abc import Iterable

import pytest

from deploy.errors import CommandError
from loadtests.lab.servers.reference_work import (
    COUNTING,
    MOST_MEASUREMENTS,
    ReferenceReading,
    measure_until_enough_count,
)

QUIET = [ReferenceReading(300.0 + number, number / 100) for number in range(COUNTING)]
SLOWED = [ReferenceReading(210.0, 0.3), ReferenceReading(220.0, 0.15), ReferenceReading(230.0, 0.07)]


def measure(readings: Iterable[ReferenceReading]) -> tuple[list[float], int]:
    return measure_until_enough_count(iter(readings).__next__, most_difference=0.06)


def test_all_measurements_of_a_quiet_machine_count() -> None:
    assert measure(QUIET) == ([reading.requests for reading in QUIET], COUNTING)


def test_measurements_while_the_machine_is_slower_do_not_count_in_any_order() -> None:
    mixed = [SLOWED[0], QUIET[0], SLOWED[1], *QUIET[1:], SLOWED[2]]
    assert measure(mixed) == ([reading.requests for reading in QUIET], COUNTING + 2)


def test_measurements_end_where_the_machine_stays_slower() -> None:
    assert measure([*QUIET[:2], *SLOWED * 6]) == ([300.0, 301.0], MOST_MEASUREMENTS)


def test_no_reference_where_no_measurement_counts() -> None:
    with pytest.raises(CommandError, match=r"the machine became slower .* run the laboratory again"):
        measure(SLOWED * 7)
