"""The calendar's columns: working time, what occupies it, and the free times between."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from contracts.scheduling import models as m
from monolith.shared.endpoints import ApiError
from monolith.web.office.board import Board, Entry, Known, build_board, working_ranges
from monolith.web.office.providers import parse_ranges, week_text

DAY = date(2030, 6, 3)
LONDON = ZoneInfo("Europe/London")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def at(hour: int, minute: int = 0, day: date = DAY, zone: ZoneInfo = LONDON) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)


def provider(*hours: tuple[str, str], **fields: Any) -> m.Provider:
    """Return a provider who works these hours on every day of the week."""
    ranges = tuple(
        m.WorkingRange(weekday=day, opens=opens, closes=closes) for day in range(1, 8) for opens, closes in hours
    )
    own: dict[str, Any] = {"provider_id": uuid4(), "name": "Ada", "zone": "Europe/London", "active": True}
    return m.Provider(**(own | {"offering_ids": (), "weekly_hours": ranges} | fields))


def appointment(by: m.Provider, start: datetime, minutes: int) -> m.Appointment:
    return m.Appointment(
        appointment_id=uuid4(),
        offering_id=uuid4(),
        offering_name="Cut",
        provider_id=by.provider_id,
        provider_name=by.name,
        customer_id=UUID(int=7),
        starts_at=start,
        ends_at=start + timedelta(minutes=minutes),
        zone="Europe/London",
        status="booked",
        version=1,
        note="",
        booked_at=LONG_AGO,
    )


def board(
    of: m.Provider, *appointments: m.Appointment, now: datetime = LONG_AGO, day: date = DAY, **known: Any
) -> Board:
    fields: dict[str, Any] = {"blocks": (), "holidays": {}, "overrides": {}, "names": {UUID(int=7): "Gus"}, "step": 30}
    return build_board(Known(LONDON, appointments, **(fields | known)), [(of, day)], now)


def entries(shown: Board, kind: str) -> list[tuple[int, int]]:
    return [(each.start, each.end) for each in shown.columns[0].entries if each.kind == kind]


def of_kind(shown: Board, kind: str) -> list[Entry]:
    return [each for each in shown.columns[0].entries if each.kind == kind]


def test_free_times_follow_the_step_from_the_opening_and_leave_out_what_is_taken() -> None:
    ada = provider(("09:00", "11:00"))
    shown = board(ada, appointment(ada, at(9, 45), 30))
    assert entries(shown, "free") == [(540, 570), (570, 585), (615, 630), (630, 660)]
    (card,) = of_kind(shown, "appointment")
    assert (card.customer, card.row, card.rows, card.lane) == ("Gus", 9, 6, None)
    assert (shown.first, shown.last, shown.rows) == (540, 660, 24)
    assert shown.hours == [("09:00", 0), ("10:00", 12)]


def test_only_times_from_now_on_are_free() -> None:
    shown = board(provider(("09:00", "11:00")), now=at(10, 1))
    assert entries(shown, "free") == [(630, 660)]


def test_overlapping_appointments_share_the_width_and_others_have_all_of_it() -> None:
    ada = provider(("09:00", "12:00"))
    shown = board(ada, appointment(ada, at(9), 60), appointment(ada, at(9, 30), 60), appointment(ada, at(11), 30))
    assert [each.lane for each in of_kind(shown, "appointment")] == [1, 2, None]
    assert shown.columns[0].lanes == 2


def test_blocked_time_and_appointments_past_midnight_are_shown() -> None:
    ada = provider(("20:00", "24:00"))
    late = appointment(ada, at(23), 120)
    block = m.Block(block_id=uuid4(), start=at(20), end=at(21), provider_id=None, resource_id=None, reason="Inventory")
    shown = board(ada, late, blocks=[block])
    assert entries(shown, "blocked") == [(1200, 1260)]
    assert entries(shown, "appointment") == [(1380, 1440)]
    assert entries(shown, "free") == [(1260 + 30 * n, 1290 + 30 * n) for n in range(4)]
    assert entries(board(ada, late, day=DAY + timedelta(days=1)), "appointment") == [(0, 60)]


@pytest.mark.parametrize(
    ("mode", "ranges", "holiday", "expected"),
    [
        (None, (), False, [(540, 1020)]),
        (None, (), True, []),
        ("close", (), False, []),
        ("replace", (("10:00", "12:00"),), True, [(600, 720)]),
        ("extra", (("18:00", "20:00"),), False, [(540, 1020), (1080, 1200)]),
        ("extra", (("18:00", "20:00"),), True, [(1080, 1200)]),
    ],
)
def test_working_time_follows_overrides_and_holidays(
    mode: m.OverrideMode | None, ranges: tuple[tuple[str, str], ...], holiday: bool, expected: list[tuple[int, int]]
) -> None:
    ada, own = provider(("09:00", "17:00")), tuple(m.DayRange(opens=opens, closes=closes) for opens, closes in ranges)
    override = m.DateOverride(provider_id=ada.provider_id, date=DAY, mode=mode, ranges=own) if mode else None
    assert working_ranges(ada, DAY, override, holiday) == expected


def test_hours_are_read_as_people_write_them() -> None:
    assert parse_ranges("9-13, 14:00–18:30") == [("09:00", "13:00"), ("14:00", "18:30")]
    assert parse_ranges("900-1330; 22:00 to 2:00") == [("09:00", "13:30"), ("22:00", "02:00")]
    assert parse_ranges("8.30 bis 12 Uhr und 13-17 Uhr") == [("08:30", "12:00"), ("13:00", "17:00")]
    assert parse_ranges("9:00-13:00 14:00-18:00") == [("09:00", "13:00"), ("14:00", "18:00")]
    assert parse_ranges("") == []
    for unread in ("nine to five", "9-13-17", "9:00-13:000", "9-13, from 14"):
        with pytest.raises(ApiError, match=unread):
            parse_ranges(unread)


def test_days_with_the_same_hours_are_shown_together() -> None:
    weekdays = [m.WorkingRange(weekday=day, opens="09:00", closes="17:00") for day in range(1, 6)]
    saturday = m.WorkingRange(weekday=6, opens="10:00", closes="12:00")
    assert week_text([*weekdays, saturday], "en") == "Mon–Fri 09:00–17:00; Sat 10:00–12:00"
    assert week_text([], "en") == ""


@pytest.mark.parametrize("now, row", [(at(9), 0), (at(10, 17), 15), (at(8, 59), None), (at(17), None)])
def test_the_present_time_has_a_row_while_the_board_spans_it(now: datetime, row: int | None) -> None:
    ada = provider(("09:00", "17:00"))
    assert board(ada, now=now).columns[0].now_row == row
    assert board(ada, now=now, day=DAY + timedelta(days=1)).columns[0].now_row is None
