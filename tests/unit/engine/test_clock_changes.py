"""Working hours on days with clock changes, in various zones."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest

from scheduling_service.engine.availability import free_starts, rejection_reasons
from scheduling_service.engine.hours import instant_of, local_date
from tests.unit.engine.clock_change_days import changes
from tests.unit.engine.model_rules import occupancy_of, plain, query_of

PARIS_FORWARD, PARIS_BACK = date(2040, 3, 25), date(2040, 10, 28)


def minutes(wall: str) -> int:
    return int(wall[:2]) * 60 + int(wall[3:])


def starts(zone: str, day: date, hours: str, duration: int = 30) -> list[str]:
    """Return the local starts on a day and the next, for a provider with these hours on that weekday only."""
    opens, closes = hours.split("-")
    week = [[(minutes(opens), minutes(closes))] if weekday == day.weekday() else [] for weekday in range(7)]
    return _starts(zone, day, week, duration)


def _starts(zone: str, day: date, week: Sequence[Sequence[tuple[int, int]]], duration: int) -> list[str]:
    where = ZoneInfo(zone)
    window = (instant_of(day, 0, where), instant_of(day + timedelta(days=1), 1440, where))
    model = plain(zone, week, length=duration)
    query = query_of(model)
    nothing = occupancy_of(model, query)
    found = [start for start, _ in free_starts(query, window, nothing)]
    assert all(rejection_reasons(query, start, nothing) == () for start in found), "what is listed can be booked"
    return [f"{datetime.fromtimestamp(start, where):%H:%M%z}" for start in found]


@pytest.mark.parametrize(("day", "lasts"), [(PARIS_FORWARD, 23), (PARIS_BACK, 25), (date(2040, 6, 4), 24)])
def test_a_whole_day_lasts_as_long_as_in_its_zone(day: date, lasts: int) -> None:
    found = starts("Europe/Paris", day, "00:00-24:00", 60)
    assert len(found) == lasts
    assert len(set(found)) == lasts


@pytest.mark.row("F44")
def test_clocks_forward_the_skipped_hour_has_no_starts() -> None:
    assert starts("Europe/Paris", PARIS_FORWARD, "01:00-04:00") == [
        "01:00+0100",
        "01:30+0100",
        "03:00+0200",
        "03:30+0200",
    ]


def test_clocks_forward_hours_starting_in_the_gap_start_at_the_change() -> None:
    assert starts("Europe/Paris", PARIS_FORWARD, "02:30-04:00") == ["03:00+0200", "03:30+0200"]


def test_clocks_forward_hours_ending_in_the_gap_end_at_the_change() -> None:
    assert starts("Europe/Paris", PARIS_FORWARD, "01:00-02:30") == ["01:00+0100", "01:30+0100"]


def test_clocks_forward_hours_within_the_gap_are_empty() -> None:
    assert starts("Europe/Paris", PARIS_FORWARD, "02:00-03:00") == []
    assert starts("Europe/Paris", PARIS_FORWARD, "02:15-02:45", 5) == []


def test_clocks_forward_hours_in_the_gap_do_not_overlap_later_hours() -> None:
    """Regression: the same start was listed twice."""
    sunday = [(minutes("02:00"), minutes("02:45")), (minutes("03:00"), minutes("04:00"))]
    found = _starts("Europe/Paris", PARIS_FORWARD, [[]] * 6 + [sunday], 30)
    assert found == ["03:00+0200", "03:30+0200"]


def test_clocks_forward_an_appointment_across_the_change_ends_later_locally() -> None:
    assert starts("Europe/Paris", PARIS_FORWARD, "01:30-03:30", 60) == ["01:30+0100"]


def test_clocks_back_the_repeated_hour_is_worked_twice() -> None:
    assert starts("Europe/Paris", PARIS_BACK, "01:00-04:00", 60) == [
        "01:00+0200",
        "02:00+0200",
        "02:00+0100",
        "03:00+0100",
    ]


@pytest.mark.row("F44")
def test_clocks_back_a_repeated_time_means_the_first() -> None:
    assert starts("Europe/Paris", PARIS_BACK, "02:30-03:30") == ["02:30+0200", "02:00+0100", "02:30+0100", "03:00+0100"]
    assert starts("Europe/Paris", PARIS_BACK, "01:30-02:30") == ["01:30+0200", "02:00+0200"]


def test_new_york_changes_at_two_as_well() -> None:
    assert starts("America/New_York", date(2040, 3, 11), "01:00-03:30") == ["01:00-0500", "01:30-0500", "03:00-0400"]


def test_lord_howe_changes_by_half_an_hour() -> None:
    assert starts("Australia/Lord_Howe", date(2040, 10, 7), "01:30-03:00") == ["01:30+1030", "02:30+1100"]
    assert starts("Australia/Lord_Howe", date(2040, 4, 1), "01:00-02:30") == [
        "01:00+1100", "01:30+1100", "01:30+1030", "02:00+1030",
    ]  # fmt: skip


def test_a_day_without_midnight_starts_at_one() -> None:
    assert starts("America/Havana", date(2040, 3, 11), "00:00-02:00") == ["01:00-0400", "01:30-0400"]


def test_a_skipped_last_hour_does_not_leak_into_the_next_day() -> None:
    """Regression: Saturday's late hours became Sunday's, and were listed by search but refused by booking."""
    eve = date(2040, 3, 24)
    assert starts("America/Nuuk", eve, "22:00-24:00") == ["22:00-0200", "22:30-0200"]
    assert starts("America/Nuuk", eve, "22:30-23:30") == ["22:30-0200"]
    assert starts("America/Nuuk", eve, "23:15-23:45", 5) == []


def test_casablanca_changes_for_ramadan() -> None:
    """Clocks go back for the month and forward after it, according to the zone database."""
    zone = ZoneInfo("Africa/Casablanca")
    forward, back = changes(zone)
    assert len(starts("Africa/Casablanca", back, "00:00-24:00", 60)) == 25
    assert len(starts("Africa/Casablanca", forward, "00:00-24:00", 60)) == 23


def test_kolkata_has_a_half_hour_offset_without_changes() -> None:
    assert starts("Asia/Kolkata", PARIS_FORWARD, "02:00-03:00") == ["02:00+0530", "02:30+0530"]


def test_a_night_across_the_change_lasts_as_long_as_in_its_zone() -> None:
    saturday, eve = "22:00-30:00", timedelta(days=1)
    assert len(starts("Europe/Paris", PARIS_FORWARD - eve, saturday, 60)) == 7
    assert len(starts("Europe/Paris", PARIS_BACK - eve, saturday, 60)) == 9
    assert starts("Europe/Paris", PARIS_FORWARD - eve, "23:30-26:30", 60) == ["23:30+0100", "00:30+0100"]


def test_a_night_from_sunday_to_monday_is_complete() -> None:
    found = starts("Europe/Paris", date(2040, 6, 3), "22:00-26:00", 60)
    assert found == ["22:00+0200", "23:00+0200", "00:00+0200", "01:00+0200"]


def test_a_later_local_time_is_never_an_earlier_instant() -> None:
    """No time of a day lies outside that day, where a search of the day would miss it."""
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        for day in changes(zone):
            moments = [instant_of(day, minute, zone) for minute in range(0, 1441, 15)]
            assert moments == sorted(moments), (name, day)
            for opens, closes in pairwise(moments):
                assert opens == closes or local_date(opens, zone) == local_date(closes - 1, zone) == day, (name, day)
