"""Values outside the contract are refused with the field that holds them, and change nothing."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import InvalidRequest
from contracts.scheduling.operations import AnyOperation, operation_of
from contracts.scheduling.port import OPERATIONS, SchedulingPort
from tests.contract.port.samples import caller_of, samples, spoilt, unknown
from tests.contract.port.shop import MONDAY, OFFICE_HOURS, Shop, hours, refused

NAIVE = datetime(2040, 6, 4, 9)  # noqa: DTZ001  # the point of it
OFF_MINUTE = MONDAY + timedelta(hours=9, seconds=1)
LONG_AGO, FAR_AHEAD = datetime(1999, 12, 31, 23, 59, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
CONTROLS = ["a\x00b", "a\nb", "a\r\nBcc: b", "tab\t", "\x7f", "line\n"]

HOLIDAY = m.Holiday(date=MONDAY.date(), name="Founders' day")
TWICE = m.Recurrence(every="week", count=2)
ITEM = m.VisitItem(offering_id=uuid4())

BAD_TIMES = ("9:00", "24:00", "09:60", "09:00\n", 540)

Case = tuple[AnyOperation, str, object, str]


def _each(method: Callable[..., Any], field: str, *values: object, names: str | None = None) -> list[Case]:
    return [(operation_of(method), field, value, names or field) for value in values]


def _ranges(**values: tuple[object, ...]) -> list[tuple[object, ...]]:
    """Return a week with one range for each value of the field."""
    [(field, each)] = values.items()
    return [(spoilt(OFFICE_HOURS[0], **{field: value}),) for value in each]


CASES: list[Case] = [
    *_each(SchedulingPort.open_business, "name", "", "n" * 81, *CONTROLS, 7, None),
    *_each(SchedulingPort.open_business, "zone", "", "Mars/Olympus", "Europe/../Paris", "z" * 65, "europe paris"),
    *_each(SchedulingPort.create_offering, "name", "", "n" * 81, *CONTROLS),
    *_each(SchedulingPort.create_offering, "duration_minutes", 0, -1, 1441, 1.5, True, "60", None),
    *_each(SchedulingPort.create_offering, "step_minutes", 0, -1, 1441, True),
    *_each(SchedulingPort.create_offering, "cancel_cutoff_minutes", -1, 60 * 24 * 60 + 1, None),
    *_each(SchedulingPort.update_offering, "duration_minutes", 0, 1441),
    *_each(SchedulingPort.update_offering, "active", 1, "true", None),
    *_each(SchedulingPort.update_offering, "offering_id", "x", None),
    *_each(SchedulingPort.create_provider, "zone", "Mars/Olympus", "UTC\n"),
    *_each(SchedulingPort.update_provider, "name", "", "a\nb"),
    *_each(SchedulingPort.assign_offerings, "offering_ids", tuple(uuid4() for _ in range(201))),
    *_each(SchedulingPort.assign_offerings, "offering_ids", ("x",), names="offering_ids[0]"),
    *_each(SchedulingPort.set_weekly_hours, "ranges", *_ranges(weekday=(0, 8, True)), names="ranges[0].weekday"),
    *_each(SchedulingPort.set_weekly_hours, "ranges", *_ranges(opens=BAD_TIMES), names="ranges[0].opens"),
    *_each(SchedulingPort.set_weekly_hours, "ranges", *_ranges(closes=("24:01", "", "5pm")), names="ranges[0].closes"),
    *_each(SchedulingPort.set_weekly_hours, "ranges", tuple(hours("09:00", "12:00", 1) + hours("11:59", "13:00", 1))),
    *_each(SchedulingPort.set_weekly_hours, "ranges", tuple(hours("00:00", "00:01", 1) * 85)),
    *_each(SchedulingPort.set_weekly_hours, "effective_from", "2040-02-30", "2040-6-4", 7),
    *_each(SchedulingPort.set_weekly_hours, "remove", "yes", 1, None),
    *_each(SchedulingPort.set_date_override, "provider_id", "x", None),
    *_each(SchedulingPort.set_date_override, "mode", "holiday", "", None),
    *_each(SchedulingPort.set_date_override, "ranges", (OFFICE_HOURS[0],) * 13),
    *_each(SchedulingPort.list_date_overrides, "last", date(2040, 12, 31), date(2042, 12, 31), "soon", None),
    *_each(SchedulingPort.set_holidays, "holidays", (spoilt(HOLIDAY, name="a\nb"),), names="holidays[0].name"),
    *_each(SchedulingPort.set_holidays, "holidays", (HOLIDAY, HOLIDAY), (HOLIDAY,) * 401),
    *_each(SchedulingPort.block_time, "start", NAIVE, LONG_AGO, "soon", None),
    *_each(SchedulingPort.block_time, "end", NAIVE, MONDAY, MONDAY + timedelta(days=800)),
    *_each(SchedulingPort.block_time, "reason", "n" * 501, *CONTROLS),
    *_each(SchedulingPort.remove_block, "block_id", "x", None),
    *_each(SchedulingPort.list_blocks, "end", NAIVE, MONDAY, MONDAY + timedelta(days=63)),
    *_each(SchedulingPort.create_resource, "kind", "", "Room", "a room", "k" * 41, "room\n", None),
    *_each(SchedulingPort.create_resource, "name", "", "n" * 81, *CONTROLS),
    *_each(SchedulingPort.update_resource, "active", 1, "true", None),
    *_each(SchedulingPort.search_slots, "start", NAIVE, LONG_AGO, "soon", None),
    *_each(
        SchedulingPort.search_slots,
        "end",
        NAIVE,
        FAR_AHEAD,
        MONDAY,
        MONDAY - timedelta(seconds=1),
        MONDAY + timedelta(days=63),
    ),
    *_each(SchedulingPort.search_slots, "offering_id", "x", None),
    *_each(SchedulingPort.search_slots, "provider_id", "x"),
    *_each(SchedulingPort.search_slots, "viewer_zone", "Mars/Olympus", ""),
    *_each(SchedulingPort.search_slots, "provider_ids", tuple(uuid4() for _ in range(101))),
    *_each(SchedulingPort.search_slots, "seats", 0, 1001, True),
    *_each(SchedulingPort.next_available, "limit", 0, 21),
    *_each(SchedulingPort.get_overview, "days", 0, 63),
    *_each(SchedulingPort.search_visits, "offering_ids", (uuid4(),), tuple(uuid4() for _ in range(9))),
    *_each(SchedulingPort.book, "starts_at", NAIVE, OFF_MINUTE, LONG_AGO, FAR_AHEAD, 0, None),
    *_each(SchedulingPort.book, "note", "n" * 501, *CONTROLS, None),
    *_each(SchedulingPort.book, "customer_id", "x", None),
    *_each(SchedulingPort.hold, "starts_at", NAIVE, OFF_MINUTE, LONG_AGO, FAR_AHEAD),
    *_each(SchedulingPort.hold, "seats", 0, 1001),
    *_each(SchedulingPort.confirm, "note", "n" * 501, *CONTROLS),
    *_each(SchedulingPort.decline, "reason", "n" * 501, *CONTROLS),
    *_each(SchedulingPort.approve, "expected_version", 0, True),
    *_each(SchedulingPort.book_series, "starts_at", NAIVE, OFF_MINUTE),
    *_each(SchedulingPort.book_series, "on_conflict", "ask", ""),
    *_each(
        SchedulingPort.book_series, "recurrence", *(spoilt(TWICE, count=n) for n in (1, 53)), names="recurrence.count"
    ),
    *_each(SchedulingPort.reschedule_series, "starts_at", NAIVE, OFF_MINUTE),
    *_each(SchedulingPort.book_visit, "items", (), (ITEM,), (ITEM,) * 9),
    *_each(SchedulingPort.join_waitlist, "end", NAIVE, MONDAY, MONDAY + timedelta(days=70)),
    *_each(SchedulingPort.join_waitlist, "offer_minutes", 0, 1441),
    *_each(SchedulingPort.list_waitlist, "limit", 0, 201),
    *_each(SchedulingPort.settle, "limit", 0, 1001),
    *_each(SchedulingPort.get_appointment, "appointment_id", "x", None),
    *_each(SchedulingPort.reschedule, "starts_at", NAIVE, OFF_MINUTE),
    *_each(SchedulingPort.reschedule, "expected_version", 0, -1, True, None),
    *_each(SchedulingPort.cancel, "reason", "n" * 501, "a\nb"),
    *_each(SchedulingPort.cancel, "expected_version", 0),
    *_each(SchedulingPort.list_appointments, "limit", 0, -1, 201, "many"),
    *_each(SchedulingPort.list_appointments, "status", "lost", ""),
    *_each(SchedulingPort.list_appointments, "cursor", "c" * 201, "a b", "a\n", "é"),
    *_each(SchedulingPort.list_appointments, "start", NAIVE),
    *_each(SchedulingPort.get_agenda, "end", MONDAY, MONDAY + timedelta(days=63)),
    *_each(SchedulingPort.get_agenda, "start", NAIVE),
]


@pytest.mark.row("H41", "H42")
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_an_invalid_value_is_refused_with_its_field(shop: Shop, operation: AnyOperation) -> None:
    request = samples(shop, unknown())[operation.name]
    before = _everything(shop)
    for _, field, value, named in (case for case in CASES if case[0] is operation):
        ctx = shop.system.writes() if operation.writes else shop.system.reads()
        with refused(InvalidRequest, field=named):
            getattr(shop.port, operation.name)(ctx, spoilt(request, **{field: value}))
    assert _everything(shop) == before


def _everything(shop: Shop) -> tuple[object, ...]:
    ctx = caller_of(shop, "staff").reads
    return (
        shop.port.list_offerings(ctx(), m.ListOfferings()),
        shop.port.list_providers(ctx(), m.ListProviders()),
        shop.port.list_appointments(ctx(), m.ListAppointments()),
    )
