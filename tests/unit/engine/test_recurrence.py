"""Occurrences of a series follow local time in the provider's zone."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.scheduling import models as m
from contracts.scheduling.errors import InvalidRequest
from scheduling_service.engine.recurrence import occurrences, shift_wall_time, wall_time_difference

PARIS, NEW_YORK, LORD_HOWE = ZoneInfo("Europe/Paris"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")
ZONES = st.sampled_from([PARIS, NEW_YORK, LORD_HOWE, ZoneInfo("Asia/Kathmandu"), ZoneInfo("UTC")])
STARTS = st.integers(0, 2 * 365 * 24 * 60).map(lambda n: datetime(2030, 1, 1, tzinfo=UTC) + timedelta(minutes=n))
RECURRENCES = st.builds(
    m.Recurrence,
    every=st.sampled_from(["day", "week", "month"]),
    count=st.integers(2, 52),
    interval=st.integers(1, 12),
)


def walls(zone: ZoneInfo, first: str, **recurrence: Any) -> list[str]:
    moments = occurrences(datetime.fromisoformat(first).replace(tzinfo=zone), m.Recurrence(**recurrence), zone)
    assert all(moment.tzinfo == UTC for moment in moments)
    return [f"{moment.astimezone(zone):%Y-%m-%d %H:%M %z}" for moment in moments]


def test_occurrences_keep_the_local_time_across_clock_changes() -> None:
    assert walls(PARIS, "2040-03-18 09:00", every="week", count=3) == [
        "2040-03-18 09:00 +0100",
        "2040-03-25 09:00 +0200",
        "2040-04-01 09:00 +0200",
    ]


def test_a_skipped_time_means_the_moment_of_the_change() -> None:
    assert walls(PARIS, "2040-03-24 02:30", every="day", count=3) == [
        "2040-03-24 02:30 +0100",
        "2040-03-25 03:00 +0200",
        "2040-03-26 02:30 +0200",
    ]


def test_a_repeated_time_means_the_first() -> None:
    assert walls(PARIS, "2040-10-27 02:30", every="day", count=2)[1] == "2040-10-28 02:30 +0200"


def test_the_first_occurrence_is_exactly_the_requested_moment() -> None:
    second = datetime(2040, 10, 28, 2, 30, tzinfo=PARIS, fold=1).astimezone(UTC)
    found = occurrences(second, m.Recurrence(every="day", count=2), PARIS)
    assert found[0] == second
    assert f"{found[1].astimezone(PARIS):%m-%d %H:%M}" == "10-29 02:30"


def test_months_without_the_day_are_skipped() -> None:
    assert [wall[:10] for wall in walls(PARIS, "2040-01-31 09:00", every="month", count=4)] == [
        "2040-01-31",
        "2040-03-31",
        "2040-05-31",
        "2040-07-31",
    ]


def test_intervals_of_days_weeks_and_months() -> None:
    assert [wall[:10] for wall in walls(PARIS, "2040-11-30 09:00", every="month", count=3, interval=3)] == [
        "2040-11-30",
        "2041-05-30",
        "2041-08-30",
    ]
    assert [wall[5:10] for wall in walls(PARIS, "2040-06-04 00:00", every="day", count=3, interval=12)] == [
        "06-04",
        "06-16",
        "06-28",
    ]


def test_a_series_beyond_the_last_year_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="2200"):
        walls(PARIS, "2196-02-29 09:00", every="month", count=3, interval=12)
    with pytest.raises(InvalidRequest, match="2200"):
        walls(PARIS, "2199-12-31 09:00", every="day", count=2)


@given(STARTS, RECURRENCES, ZONES)
def test_occurrences_are_sorted_and_keep_the_local_minute(
    first: datetime, recurrence: m.Recurrence, zone: ZoneInfo
) -> None:
    found = occurrences(first, recurrence, zone)
    assert found[0] == first
    assert len(found) == recurrence.count
    assert found == sorted(set(found))
    wall = first.astimezone(zone).replace(tzinfo=None)
    for each in found[1:]:
        shown = each.astimezone(zone).replace(tzinfo=None)
        # Later than the local time only where clocks skipped it.
        assert timedelta() <= shown - datetime.combine(shown.date(), wall.time()) <= timedelta(hours=1)


@given(STARTS, st.integers(-60 * 24 * 60, 60 * 24 * 60), ZONES)
def test_shifting_by_a_difference_yields_the_other_moment(first: datetime, minutes: int, zone: ZoneInfo) -> None:
    later = first + timedelta(minutes=minutes)
    again = shift_wall_time(first, wall_time_difference(first, later, zone), zone)
    # The same moment, or the other one if the local time occurs twice.
    assert again == later or again.astimezone(zone).replace(tzinfo=None) == later.astimezone(zone).replace(tzinfo=None)


def test_a_shift_keeps_the_local_time_across_a_change() -> None:
    monday = datetime(2040, 3, 19, 9, tzinfo=PARIS)
    by = wall_time_difference(monday, datetime(2040, 3, 20, 10, 30, tzinfo=PARIS), PARIS)
    assert by == timedelta(days=1, hours=1, minutes=30)
    moved = shift_wall_time(datetime(2040, 3, 24, 9, tzinfo=PARIS), by, PARIS).astimezone(PARIS)
    assert moved.date() == date(2040, 3, 25)
    assert f"{moved:%H:%M %z}" == "10:30 +0200"
