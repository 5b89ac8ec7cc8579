"""Booking what a visitor has chosen, through the port."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from contracts.scheduling import models as m
from contracts.scheduling.errors import HoldExpired, InvalidTransition, KeyReused, SchedulingError
from monolith.shared.endpoints.decoding import convert
from monolith.web.page_context import PageContext
from monolith.web.site.choice import Choice

_MOST_TOGETHER = 60
"""More than a series or a visit has."""


@dataclass(frozen=True)
class WantedBooking:
    """A booking at `at`. The time of `hold` may be another one."""

    choice: Choice
    at: datetime
    note: str
    key: str
    hold: m.Appointment | None = None


def make_booking(page: PageContext, wanted: WantedBooking) -> tuple[m.Appointment, int]:
    """Book, and return the first appointment and how many times of a series were not free.

    A hold that has ended is no refusal as long as its time is free. Raises SlotUnavailable, and KeyReused if another
    time was booked with the same key.
    """
    if wanted.choice.is_visit:
        return page.port.book_visit(page.call_context(wanted.key), _visit(page, wanted)).appointments[0], 0
    if wanted.choice.every:
        series = page.port.book_series(page.call_context(wanted.key), _series(page, wanted))
        return series.appointments[0], len(series.conflicts)
    confirmed = _confirmed(page, wanted) if wanted.hold and wanted.hold.starts_at == wanted.at else None
    if confirmed is not None:
        return confirmed, 0
    booked = page.port.book(page.call_context(wanted.key), _single(page, wanted))
    if wanted.hold is not None and wanted.hold.status == "held":
        release_hold(page, wanted.hold.appointment_id)
    return booked, 0


def appointments_with(page: PageContext, appointment_id: UUID) -> list[m.Appointment]:
    """Return an appointment, followed by the others of its visit or series that are still to come."""
    first = page.port.get_appointment(page.call_context(), m.GetAppointment(appointment_id=appointment_id))
    if first.series_id is None and first.visit_id is None:
        return [first]
    request = m.ListAppointments(
        customer_id=first.customer_id,
        start=datetime.now(UTC),
        series_id=first.series_id,
        visit_id=first.visit_id,
        statuses=("pending", "booked"),
        limit=_MOST_TOGETHER,
    )
    group = page.port.list_appointments(page.call_context(), request).appointments
    return [first, *(each for each in group if each.appointment_id != appointment_id)]


def _confirmed(page: PageContext, wanted: WantedBooking) -> m.Appointment | None:
    """Confirm the hold; None if it has ended, and its time must be booked again."""
    assert wanted.hold is not None
    appointment_id = wanted.hold.appointment_id
    try:
        request = m.Confirm(appointment_id=appointment_id, note=wanted.note)
        return page.port.confirm(page.call_context(wanted.key), request)
    except HoldExpired:
        return None
    except (InvalidTransition, KeyReused):
        # Released in another tab, or confirmed by a form that was sent twice.
        now = page.port.get_appointment(page.call_context(), m.GetAppointment(appointment_id=appointment_id))
        return now if now.status in ("pending", "booked") else None


def release_hold(page: PageContext, appointment_id: UUID) -> None:
    """Release a hold that is no longer needed. If that fails, it expires."""
    with suppress(SchedulingError):
        page.port.cancel(page.call_context(f"release-{appointment_id}"), m.Cancel(appointment_id=appointment_id))


def _single(page: PageContext, wanted: WantedBooking) -> m.Book:
    fields = {
        "offering_id": wanted.choice.offering.offering_id,
        "customer_id": page.own_id,
        "starts_at": wanted.at,
        "provider_id": wanted.choice.provider_id,
        "duration_minutes": wanted.choice.minutes,
        "seats": wanted.choice.seats,
        "note": wanted.note,
    }
    return convert(fields, m.Book)


def _visit(page: PageContext, wanted: WantedBooking) -> m.BookVisit:
    items = [
        {"offering_id": each.offering_id, "provider_id": wanted.choice.provider_id} for each in wanted.choice.offerings
    ]
    fields = {"customer_id": page.own_id, "starts_at": wanted.at, "items": items, "note": wanted.note}
    return convert(fields, m.BookVisit)


def _series(page: PageContext, wanted: WantedBooking) -> m.BookSeries:
    fields = {
        "offering_id": wanted.choice.offering.offering_id,
        "provider_id": wanted.choice.provider_id,
        "customer_id": page.own_id,
        "starts_at": wanted.at,
        "recurrence": wanted.choice.recurrence,
        "on_conflict": "skip",
        "duration_minutes": wanted.choice.minutes,
        "seats": wanted.choice.seats,
        "note": wanted.note,
    }
    return convert(fields, m.BookSeries)
