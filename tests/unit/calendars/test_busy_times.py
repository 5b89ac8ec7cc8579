"""Busy times of calendar files, as other programs write them."""

from datetime import UTC, datetime, timedelta

import pytest

from monolith.modules.calendars.busy_times import CalendarRejected, busy_times, read_busy_times

START = datetime(2030, 3, 25, tzinfo=UTC)
"""A Monday; on Sunday the 31st, Europe/Lisbon and Europe/Berlin turn their clocks forward."""
END = START + timedelta(days=14)


def calendar(*components: str) -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", *components, "END:VCALENDAR", ""]
    return "\r\n".join(line for component in lines for line in component.split("\n")).encode()


def event(*properties: str, uid: str = "one") -> str:
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20300101T000000Z", *properties, "END:VEVENT"])


def found(*components: str) -> list[str]:
    """Return the busy times as `day hour:minute-hour:minute` in UTC."""
    times = busy_times(calendar(*components), "Europe/Lisbon", START, END)
    return [f"{first:%d %H:%M}-{last:%d %H:%M}" for first, last in times]


ONCE = ("DTSTART:20300326T100000Z", "DTEND:20300326T110000Z")


def test_single_events_are_busy() -> None:
    assert found(event(*ONCE)) == ["26 10:00-26 11:00"]
    assert found(event("DTSTART:20300326T100000Z", "DURATION:PT90M")) == ["26 10:00-26 11:30"]


def test_local_times_have_the_zone_of_the_event_or_of_the_provider() -> None:
    assert found(event("DTSTART;TZID=Europe/Berlin:20300326T100000", "DTEND;TZID=Europe/Berlin:20300326T110000")) == [
        "26 09:00-26 10:00"
    ]
    floating = event("DTSTART:20300402T100000", "DTEND:20300402T110000")
    assert found(floating) == ["02 09:00-02 10:00"], "summer time in Lisbon"


def test_whole_days_last_from_midnight_to_midnight_of_the_provider() -> None:
    day = event("DTSTART;VALUE=DATE:20300401", "DTEND;VALUE=DATE:20300403")
    assert found(day) == ["31 23:00-02 23:00"]


@pytest.mark.parametrize("free", ["TRANSP:TRANSPARENT", "STATUS:CANCELLED"])
def test_events_that_take_no_time_are_free(free: str) -> None:
    assert found(event(*ONCE, free)) == []
    assert found(event(*ONCE, "STATUS:TENTATIVE")) == ["26 10:00-26 11:00"]


def test_recurring_events_keep_their_local_time() -> None:
    weekly = event(
        "DTSTART;TZID=Europe/Berlin:20290101T100000",
        "DTEND;TZID=Europe/Berlin:20290101T110000",
        "RRULE:FREQ=WEEKLY;BYDAY=TU",
    )
    assert found(weekly) == ["26 09:00-26 10:00", "02 08:00-02 09:00"]


def test_exceptions_of_a_recurring_event_are_followed() -> None:
    daily = event(
        "DTSTART:20300325T100000Z", "DTEND:20300325T110000Z", "RRULE:FREQ=DAILY;COUNT=4", "EXDATE:20300326T100000Z"
    )
    moved = event("RECURRENCE-ID:20300327T100000Z", "DTSTART:20300327T150000Z", "DTEND:20300327T160000Z")
    assert found(daily, moved) == ["25 10:00-25 11:00", "27 15:00-27 16:00", "28 10:00-28 11:00"]


def test_overlapping_and_adjacent_times_are_one() -> None:
    later = event("DTSTART:20300326T103000Z", "DTEND:20300326T113000Z", uid="two")
    next_one = event("DTSTART:20300326T113000Z", "DTEND:20300326T120000Z", uid="three")
    assert found(next_one, event(*ONCE), later) == ["26 10:00-26 12:00"]


def test_free_busy_components_are_read() -> None:
    component = "\n".join(
        [
            "BEGIN:VFREEBUSY",
            "UID:one",
            "DTSTAMP:20300101T000000Z",
            "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20300326T100000Z/20300326T110000Z,20300327T100000Z/PT1H",
            "FREEBUSY;FBTYPE=FREE:20300328T100000Z/20300328T110000Z",
            "END:VFREEBUSY",
        ]
    )
    assert found(component) == ["26 10:00-26 11:00", "27 10:00-27 11:00"]


def test_times_outside_the_window_are_left_out() -> None:
    assert found(event("DTSTART:20300324T100000Z", "DTEND:20300324T110000Z")) == []
    assert found(event("DTSTART:20300324T230000Z", "DTEND:20300325T010000Z")) == ["24 23:00-25 01:00"]
    assert found(event("DTSTART:20300501T100000Z", "DTEND:20300501T110000Z")) == []


@pytest.mark.parametrize("content", [b"", b"<html>Sign in</html>", b"\xff\xfe\x00", b"BEGIN:VEVENT\r\nEND:VEVENT\r\n"])
def test_other_files_are_rejected(content: bytes) -> None:
    with pytest.raises(CalendarRejected):
        busy_times(content, "Europe/Lisbon", START, END)


def test_too_many_times_are_rejected() -> None:
    often = event("DTSTART:20300325T000000Z", "DURATION:PT1M", "RRULE:FREQ=HOURLY;BYMINUTE=0,15,30,45")
    with pytest.raises(CalendarRejected, match="more than 1000"):
        found(often)


@pytest.mark.parametrize("rule", ["SECONDLY;BYMONTH=2;BYMONTHDAY=30", "minutely;INTERVAL=15"])
def test_rules_of_seconds_and_minutes_are_rejected_by_their_name(rule: str) -> None:
    endless = event("DTSTART:20000101T000000Z", "DURATION:PT1S", f"RRULE:FREQ={rule}")
    named = rule.partition(";")[0].upper()
    with pytest.raises(CalendarRejected, match=f"the rule FREQ={named}, which is not supported"):
        found(endless)


def test_file_is_read_in_a_process_with_limits() -> None:
    assert read_busy_times(calendar(event(*ONCE)), "Europe/Lisbon", START, END) == [
        (datetime(2030, 3, 26, 10, tzinfo=UTC), datetime(2030, 3, 26, 11, tzinfo=UTC))
    ]
    with pytest.raises(CalendarRejected, match="not a calendar"):
        read_busy_times(b"hello", "Europe/Lisbon", START, END)
    endless = event("DTSTART:20000101T000000Z", "DURATION:PT1S", "RRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30")
    with pytest.raises(CalendarRejected, match="too long"):
        read_busy_times(calendar(endless), "Europe/Lisbon", START, END, processor_seconds=1)
