"""Values outside the contract are refused with the field that holds them, and change nothing."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from contracts.scheduling import models as m
from contracts.scheduling import operations as ops
from contracts.scheduling.errors import InvalidRequest
from contracts.scheduling.operation_errors import AnyOperation
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


def _each(operation: AnyOperation, field: str, *values: object, names: str | None = None) -> list[Case]:
    return [(operation, field, value, names or field) for value in values]


def _ranges(**values: tuple[object, ...]) -> list[tuple[object, ...]]:
    """For each value of the field, a week with one range that has it."""
    [(field, each)] = values.items()
    return [(spoilt(OFFICE_HOURS[0], **{field: value}),) for value in each]


CASES: list[Case] = [
    *_each(ops.OPEN_BUSINESS, "name", "", "n" * 81, *CONTROLS, 7, None),
    *_each(ops.OPEN_BUSINESS, "zone", "", "Mars/Olympus", "Europe/../Paris", "z" * 65, "europe paris"),
    *_each(ops.CREATE_OFFERING, "name", "", "n" * 81, *CONTROLS),
    *_each(ops.CREATE_OFFERING, "duration_minutes", 0, -1, 1441, 1.5, True, "60", None),
    *_each(ops.CREATE_OFFERING, "step_minutes", 0, -1, 1441, True),
    *_each(ops.CREATE_OFFERING, "cancel_cutoff_minutes", -1, 60 * 24 * 60 + 1, None),
    *_each(ops.UPDATE_OFFERING, "duration_minutes", 0, 1441),
    *_each(ops.UPDATE_OFFERING, "active", 1, "true", None),
    *_each(ops.UPDATE_OFFERING, "offering_id", "x", None),
    *_each(ops.CREATE_PROVIDER, "zone", "Mars/Olympus", "UTC\n"),
    *_each(ops.UPDATE_PROVIDER, "name", "", "a\nb"),
    *_each(ops.ASSIGN_OFFERINGS, "offering_ids", tuple(uuid4() for _ in range(201))),
    *_each(ops.ASSIGN_OFFERINGS, "offering_ids", ("x",), names="offering_ids[0]"),
    *_each(ops.SET_WEEKLY_HOURS, "ranges", *_ranges(weekday=(0, 8, True)), names="ranges[0].weekday"),
    *_each(ops.SET_WEEKLY_HOURS, "ranges", *_ranges(opens=BAD_TIMES), names="ranges[0].opens"),
    *_each(ops.SET_WEEKLY_HOURS, "ranges", *_ranges(closes=("24:01", "", "5pm")), names="ranges[0].closes"),
    *_each(ops.SET_WEEKLY_HOURS, "ranges", tuple(hours("09:00", "12:00", 1) + hours("11:59", "13:00", 1))),
    *_each(ops.SET_WEEKLY_HOURS, "ranges", tuple(hours("00:00", "00:01", 1) * 85)),
    *_each(ops.SET_WEEKLY_HOURS, "effective_from", "2040-02-30", "2040-6-4", 7),
    *_each(ops.SET_WEEKLY_HOURS, "remove", "yes", 1, None),
    *_each(ops.SET_DATE_OVERRIDE, "provider_id", "x", None),
    *_each(ops.SET_DATE_OVERRIDE, "mode", "holiday", "", None),
    *_each(ops.SET_DATE_OVERRIDE, "ranges", (OFFICE_HOURS[0],) * 13),
    *_each(ops.LIST_DATE_OVERRIDES, "last", date(2040, 12, 31), date(2042, 12, 31), "soon", None),
    *_each(ops.SET_HOLIDAYS, "holidays", (spoilt(HOLIDAY, name="a\nb"),), names="holidays[0].name"),
    *_each(ops.SET_HOLIDAYS, "holidays", (HOLIDAY, HOLIDAY), (HOLIDAY,) * 401),
    *_each(ops.BLOCK_TIME, "start", NAIVE, LONG_AGO, "soon", None),
    *_each(ops.BLOCK_TIME, "end", NAIVE, MONDAY, MONDAY + timedelta(days=800)),
    *_each(ops.BLOCK_TIME, "reason", "n" * 501, *CONTROLS),
    *_each(ops.REMOVE_BLOCK, "block_id", "x", None),
    *_each(ops.LIST_BLOCKS, "end", NAIVE, MONDAY, MONDAY + timedelta(days=63)),
    *_each(ops.CREATE_RESOURCE, "kind", "", "Room", "a room", "k" * 41, "room\n", None),
    *_each(ops.CREATE_RESOURCE, "name", "", "n" * 81, *CONTROLS),
    *_each(ops.UPDATE_RESOURCE, "active", 1, "true", None),
    *_each(ops.SEARCH_SLOTS, "start", NAIVE, LONG_AGO, "soon", None),
    *_each(
        ops.SEARCH_SLOTS, "end", NAIVE, FAR_AHEAD, MONDAY, MONDAY - timedelta(seconds=1), MONDAY + timedelta(days=63)
    ),
    *_each(ops.SEARCH_SLOTS, "offering_id", "x", None),
    *_each(ops.SEARCH_SLOTS, "provider_id", "x"),
    *_each(ops.SEARCH_SLOTS, "viewer_zone", "Mars/Olympus", ""),
    *_each(ops.SEARCH_SLOTS, "provider_ids", tuple(uuid4() for _ in range(101))),
    *_each(ops.SEARCH_SLOTS, "seats", 0, 1001, True),
    *_each(ops.NEXT_AVAILABLE, "limit", 0, 21),
    *_each(ops.GET_OVERVIEW, "days", 0, 63),
    *_each(ops.SEARCH_VISITS, "offering_ids", (uuid4(),), tuple(uuid4() for _ in range(9))),
    *_each(ops.BOOK, "starts_at", NAIVE, OFF_MINUTE, LONG_AGO, FAR_AHEAD, 0, None),
    *_each(ops.BOOK, "note", "n" * 501, *CONTROLS, None),
    *_each(ops.BOOK, "customer_id", "x", None),
    *_each(ops.HOLD, "starts_at", NAIVE, OFF_MINUTE, LONG_AGO, FAR_AHEAD),
    *_each(ops.HOLD, "seats", 0, 1001),
    *_each(ops.CONFIRM, "note", "n" * 501, *CONTROLS),
    *_each(ops.DECLINE, "reason", "n" * 501, *CONTROLS),
    *_each(ops.APPROVE, "expected_version", 0, True),
    *_each(ops.BOOK_SERIES, "starts_at", NAIVE, OFF_MINUTE),
    *_each(ops.BOOK_SERIES, "on_conflict", "ask", ""),
    *_each(ops.BOOK_SERIES, "recurrence", *(spoilt(TWICE, count=n) for n in (1, 53)), names="recurrence.count"),
    *_each(ops.RESCHEDULE_SERIES, "starts_at", NAIVE, OFF_MINUTE),
    *_each(ops.BOOK_VISIT, "items", (), (ITEM,), (ITEM,) * 9),
    *_each(ops.JOIN_WAITLIST, "end", NAIVE, MONDAY, MONDAY + timedelta(days=70)),
    *_each(ops.JOIN_WAITLIST, "offer_minutes", 0, 1441),
    *_each(ops.LIST_WAITLIST, "limit", 0, 201),
    *_each(ops.SETTLE, "limit", 0, 1001),
    *_each(ops.GET_APPOINTMENT, "appointment_id", "x", None),
    *_each(ops.RESCHEDULE, "starts_at", NAIVE, OFF_MINUTE),
    *_each(ops.RESCHEDULE, "expected_version", 0, -1, True, None),
    *_each(ops.CANCEL, "reason", "n" * 501, "a\nb"),
    *_each(ops.CANCEL, "expected_version", 0),
    *_each(ops.LIST_APPOINTMENTS, "limit", 0, -1, 201, "many"),
    *_each(ops.LIST_APPOINTMENTS, "status", "lost", ""),
    *_each(ops.LIST_APPOINTMENTS, "cursor", "c" * 201, "a b", "a\n", "é"),
    *_each(ops.LIST_APPOINTMENTS, "start", NAIVE),
    *_each(ops.GET_AGENDA, "end", MONDAY, MONDAY + timedelta(days=63)),
    *_each(ops.GET_AGENDA, "start", NAIVE),
]


@pytest.mark.parametrize("operation", ops.OPERATIONS, ids=lambda operation: operation.name)
def test_each_wrong_value_is_refused_by_its_field(shop: Shop, operation: AnyOperation) -> None:
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
