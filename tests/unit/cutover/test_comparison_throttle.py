"""How long a comparison rests after each chunk of work."""

import pytest

from monolith.cutover.verification.throttle import ComparisonThrottle
from tests.unit.clock import Clock


class Rests:
    """A throttle that works for a quarter of the time, and the seconds for which it has slept after each chunk."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.seconds: list[float] = []
        self.throttle = ComparisonThrottle(0.25, now=self.clock, sleep=self.seconds.append)

    def after(self, worked: float, rows: int, table: str = "appointment") -> float:
        """Return the rest after a chunk of rows."""
        self.throttle.begin()
        self.clock.seconds += worked
        self.throttle.rest_after(table, rows)
        return self.seconds[-1]


def test_work_takes_its_share_of_the_time() -> None:
    rests = Rests()
    rests.throttle.begin()
    rests.clock.seconds += 0.5
    rests.throttle.rest()
    assert rests.seconds == [pytest.approx(1.5)]


def test_small_differences_of_speed_change_nothing() -> None:
    rests = Rests()
    assert rests.after(1.0, 4_000) == pytest.approx(3.0)
    assert rests.after(1.9, 4_000) == pytest.approx(5.7)
    assert rests.after(0.5, 1_000) == pytest.approx(1.5)


def test_rests_are_longer_while_rows_take_more_than_twice_as_long_as_before() -> None:
    rests = Rests()
    rests.after(1.0, 4_000)
    assert rests.after(4.0, 4_000) == pytest.approx(2 * 12.0)
    assert rests.after(1.5, 1_500) == pytest.approx(2 * 4.5)
    assert rests.after(1.0, 4_000) == pytest.approx(3.0)


def test_rests_of_a_busy_server_are_limited() -> None:
    rests = Rests()
    rests.after(1.0, 4_000)
    assert rests.after(100.0, 4_000) == pytest.approx(4 * 300.0)


def test_tables_have_speeds_of_their_own() -> None:
    rests = Rests()
    rests.after(1.0, 4_000)
    assert rests.after(10.0, 4_000, "history") == pytest.approx(30.0)
    assert rests.after(10.0, 4_000, "history") == pytest.approx(30.0)


def test_chunk_without_rows_or_duration_is_no_error() -> None:
    rests = Rests()
    assert rests.after(0.0, 0) == 0.0
    assert rests.after(1.0, 0) == pytest.approx(3.0)
