"""Series and visits: bookings of several appointments, their pages, and changes of all that follow."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, request

from contracts.scheduling import models as m
from contracts.scheduling.errors import SlotUnavailable
from monolith.shared.endpoints.decoding import convert
from monolith.shared.endpoints.errors import invalid_request, not_found
from monolith.shared.localization import N_
from monolith.web.formatting import moment
from monolith.web.office.staff_pages import (
    Office,
    PageResponse,
    attempt,
    chosen_time,
    form_key,
    id_in,
    number_of,
    read_all,
    render,
    text_of,
    to,
)
from monolith.web.page_context import PageContext
from monolith.web.problem_messages import PageError, error_message

_SERIES = "/series/<uuid:series_id>"
_VISIT = "/visits/<uuid:visit_id>"
_ACTIVE = ("held", "pending", "booked")
_EVERY: Mapping[str, Mapping[str, Any]] = {
    "day": {"every": "day"},
    "week": {"every": "week"},
    "two-weeks": {"every": "week", "interval": 2},
    "month": {"every": "month"},
}


class GroupPages:
    def __init__(self, office: Office) -> None:
        self._office = office

    def add_to(self, pages: Blueprint) -> None:
        self._office.add(pages, _SERIES, "series", self.series)
        self._office.add(pages, f"{_SERIES}/cancel", "cancel_series", self.cancel_series, ("POST",))
        self._office.add(pages, f"{_SERIES}/move", "move_series", self.move_series, ("POST",))
        self._office.add(pages, _VISIT, "visit", self.visit)
        self._office.add(pages, f"{_VISIT}/cancel", "cancel_visit", self.cancel_visit, ("POST",))

    def series(self, page: PageContext, series_id: UUID) -> PageResponse:
        return self._series(page, series_id)

    def cancel_series(self, page: PageContext, series_id: UUID) -> PageResponse:
        """Cancel one occurrence and all that follow."""

        def action() -> PageResponse:
            fields = {"series_id": series_id, "from_appointment_id": _from(), "reason": text_of("reason")}
            page.port.cancel_series(page.call_context(form_key()), convert(fields, m.CancelSeries))
            return to(page, "series", "cancelled", series_id=series_id)

        return attempt(action, lambda problem: self._series(page, series_id, problem))

    def move_series(self, page: PageContext, series_id: UUID) -> PageResponse:
        """Move one occurrence to another time, and all that follow by the same difference."""

        def action() -> PageResponse:
            fields = {"series_id": series_id, "from_appointment_id": _from()}
            wanted = convert(fields | {"starts_at": chosen_time(page, request.form)}, m.RescheduleSeries)
            with_occurrence(page, lambda: page.port.reschedule_series(page.call_context(form_key()), wanted))
            return to(page, "series", "moved", series_id=series_id)

        return attempt(action, lambda problem: self._series(page, series_id, problem))

    def visit(self, page: PageContext, visit_id: UUID) -> PageResponse:
        return self._visit(page, visit_id)

    def cancel_visit(self, page: PageContext, visit_id: UUID) -> PageResponse:
        """Cancel what is left of a visit, one appointment after the other."""

        def action() -> PageResponse:
            key = form_key()
            for each in read_all(page, m.ListAppointments(visit_id=visit_id)):
                if each.status in _ACTIVE:
                    fields = {"appointment_id": each.appointment_id, "reason": text_of("reason")}
                    context = page.call_context(f"{key}-{each.appointment_id}")
                    page.port.cancel(context, convert(fields, m.Cancel))
            return to(page, "visit", "cancelled", visit_id=visit_id)

        return attempt(action, lambda problem: self._visit(page, visit_id, problem))

    def _series(self, page: PageContext, series_id: UUID, problem: str | None = None) -> str:
        found = page.port.get_series(page.call_context(), m.GetSeries(series_id=series_id)).appointments
        return self._render(page, "series.html", found, problem, series_id=series_id)

    def _visit(self, page: PageContext, visit_id: UUID, problem: str | None = None) -> str:
        found = read_all(page, m.ListAppointments(visit_id=visit_id))
        if not found:
            raise not_found("visit")
        return self._render(page, "visit.html", found, problem, visit_id=visit_id)

    def _render(
        self, page: PageContext, template: str, found: Sequence[m.Appointment], problem: str | None, **values: Any
    ) -> str:
        names = self._office.auth.api.customer_names(page.business.business_id, {each.customer_id for each in found})
        return render(
            page,
            template,
            section="calendar",
            appointments=found,
            active=[each for each in found if each.status in _ACTIVE],
            names=names,
            form=request.form,
            problem=problem,
            **values,
        )


def book_group(page: PageContext, fields: Mapping[str, Any]) -> PageResponse | None:
    """Book the series or the visit that the form of a new booking requests; None for a single appointment.

    `fields` are those of the single appointment. Raises ApiError and SchedulingError.
    """
    form = request.form
    services = [each for name in ("then", "and_then") if (each := id_in(form, name)) is not None]
    if form.get("repeat") and services:
        raise invalid_request(N_("A visit of several services cannot be repeated. Book it once, or a single service."))
    if (fields["overbook"] or fields["override"]) and (form.get("repeat") or services):
        raise invalid_request(N_("Only a single appointment can be booked at a time that is not offered."))
    if form.get("repeat"):
        return _book_series(page, fields)
    return _book_visit(page, fields, services) if services else None


def _book_series(page: PageContext, fields: Mapping[str, Any]) -> PageResponse:
    if fields["provider_id"] is None:
        raise invalid_request(N_("Please choose a provider: a repeated appointment always has the same one."))
    recurrence = dict(_EVERY.get(request.form["repeat"], {})) | {"count": number_of("count")}
    wanted = {name: value for name, value in fields.items() if name in m.BookSeries.__struct_fields__}
    wanted |= {"recurrence": recurrence, "on_conflict": "skip" if "skip" in request.form else "refuse"}
    series = convert(wanted, m.BookSeries)
    booked = with_occurrence(page, lambda: page.port.book_series(page.call_context(form_key()), series))
    done = "booked-some" if booked.conflicts else "booked"
    return to(page, "series", done, series_id=booked.series_id)


def _book_visit(page: PageContext, fields: Mapping[str, Any], services: list[UUID]) -> PageResponse:
    items = [{"offering_id": fields["offering_id"], "provider_id": fields["provider_id"]}]
    items += [{"offering_id": each} for each in services]
    wanted = {name: fields[name] for name in ("customer_id", "starts_at", "note")} | {"items": items}
    booked = page.port.book_visit(page.call_context(form_key()), convert(wanted, m.BookVisit))
    return to(page, "visit", "booked", visit_id=booked.visit_id)


def with_occurrence(page: PageContext, change: Callable[[], m.Series]) -> m.Series:
    """Change a series; if one of its times is taken, the message names it."""
    try:
        return change()
    except SlotUnavailable as error:
        if error.starts_at is None:
            raise
        at = moment(datetime.fromisoformat(error.starts_at), page.business.zone)
        text = N_("%(time)s: %(message)s Nothing was changed.")
        raise PageError(error.status, error.code, text, time=at, message=error_message(error)) from error


def _from() -> UUID:
    chosen = id_in(request.form, "from")
    if chosen is None:
        raise invalid_request(N_("Please choose the first appointment to change."))
    return chosen
