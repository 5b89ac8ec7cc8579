"""Working ranges survive the conversion to stored minutes and back."""

from hypothesis import given
from hypothesis import strategies as st

from contracts.scheduling import models as m
from scheduling_service.engine.hours import format_wall_time
from scheduling_service.engine.store.catalog.wall_times import day_range, sorted_minutes, sorted_week, working_range

WALLS = st.integers(0, 24 * 60 - 1).map(format_wall_time)
RANGES = st.builds(m.DayRange, opens=WALLS, closes=WALLS | st.just("24:00"))
WEEKLY = st.builds(m.WeeklyRange, weekday=st.integers(1, 7), opens=WALLS, closes=WALLS | st.just("24:00"))


@given(RANGES)
def test_a_stored_range_is_returned_unchanged(meant: m.DayRange) -> None:
    [kept] = sorted_minutes([meant])
    read = day_range(*kept)
    assert read.minutes() == meant.minutes()
    assert read == meant or (meant.closes, read.closes) == ("00:00", "24:00")


@given(st.lists(WEEKLY, max_size=5))
def test_a_stored_week_is_returned_sorted(meant: list[m.WeeklyRange]) -> None:
    read = [working_range(*row) for row in sorted_week(meant)]
    again = [m.WeeklyRange(weekday=each.weekday, opens=each.opens, closes=each.closes) for each in read]
    assert sorted_week(again) == sorted_week(meant)
    assert [(each.weekday, each.opens) for each in read] == sorted((each.weekday, each.opens) for each in meant)
