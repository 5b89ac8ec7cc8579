"""Book for a customer who calls or walks in: a form that an empty time fills in."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, request, url_for

from contracts.scheduling import models as m
from monolith.modules.auth.customer_models import Customer
from monolith.shared.endpoints.decoding import convert
from monolith.shared.endpoints.errors import require_not_closed
from monolith.web.free_times import free_slots, labelled_starts, local_today
from monolith.web.language import gettext
from monolith.web.office.customer_choice import CustomerChoice
from monolith.web.office.groups import book_group
from monolith.web.office.staff_pages import (
    Catalog,
    Office,
    PageResponse,
    already_submitted,
    attempt,
    chosen_time,
    form_key,
    id_in,
    number_of,
    override_fields,
    read_catalog,
    render,
    text_of,
    to,
)
from monolith.web.page_context import PageContext


class StaffBookingPages:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._customers = CustomerChoice(office)

    def add_to(self, pages: Blueprint) -> None:
        self._office.add(pages, "/new", "new", self.new, changes=True)
        self._office.add(pages, "/new", "book", self.book, ("POST",))

    def new(self, page: PageContext) -> PageResponse:
        return self._form(page, request.args)

    def book(self, page: PageContext) -> PageResponse:
        form = dict(request.form)

        def action() -> PageResponse:
            require_not_closed(page.business)
            at = chosen_time(page, form)
            matches = self._customers.matches(page)
            if matches:
                return self._form(page, form, matches=matches)
            # If the time is refused, the form is shown again for this customer.
            form["customer"] = str(self._customers.chosen(page))
            fields = {
                "offering_id": form.get("offering", ""),
                "provider_id": form.get("provider") or None,
                "customer_id": form["customer"],
                "starts_at": at,
                "seats": number_of("seats") or 1,
                "duration_minutes": number_of("minutes"),
                "note": text_of("note"),
                **override_fields(),
            }
            group = book_group(page, fields)
            if group is not None:
                return group
            booked = page.port.book(page.call_context(form_key()), convert(fields, m.Book))
            return to(page, "appointment", "booked", appointment_id=booked.appointment_id)

        return attempt(action, lambda problem: self._form(page, form, problem=problem))

    def _form(
        self, page: PageContext, values: Mapping[str, str], problem: str | None = None, matches: Sequence[Customer] = ()
    ) -> str:
        catalog = read_catalog(page)
        day, clock = _day_and_clock(page, values)
        offering = catalog.offering(id_in(values, "offering")) or _usual(catalog, id_in(values, "provider"))
        return render(
            page,
            "new.html",
            section="calendar",
            catalog=catalog,
            form=values,
            offering=offering,
            day=day,
            clock=clock,
            times=_times(page, offering, day, id_in(values, "provider")),
            **self._customers.shown(page, values),
            matches=matches,
            problem=problem,
            then_options=[
                ("", gettext("Nothing")),
                *((each.offering_id, each.name) for each in catalog.active_offerings),
            ],
            form_key=None if already_submitted(problem) else values.get("key"),
            here=url_for("office.new", slug=page.business.slug),
        )


def _day_and_clock(page: PageContext, values: Mapping[str, str]) -> tuple[date, str]:
    """Return date and time of the form: those typed, those of the empty time that was chosen, or today."""
    zone = ZoneInfo(page.business.zone)
    try:
        return date.fromisoformat(values.get("date", "")), values.get("time", "")
    except ValueError:
        pass
    try:
        local = datetime.fromisoformat(values.get("at", "")).astimezone(zone)
    except ValueError:
        return datetime.now(zone).date(), ""
    return local.date(), f"{local:%H:%M}"


def _usual(catalog: Catalog, provider_id: UUID | None) -> m.Offering | None:
    """Return the shortest service of the provider, or the shortest of all: it fits most of the empty times."""
    provider = catalog.provider(provider_id)
    offered = [
        each for each in catalog.active_offerings if provider is None or each.offering_id in provider.offering_ids
    ]
    return min(offered, key=lambda each: each.duration_minutes, default=None)


def _times(
    page: PageContext, offering: m.Offering | None, day: date, provider_id: UUID | None
) -> list[tuple[str, datetime]]:
    """Return the free starts of the day, as suggestions. None for a day that has passed."""
    today = local_today(page)
    if offering is None or not today <= day <= today + timedelta(days=700):
        return []
    return labelled_starts(page, free_slots(page, offering, day, provider_id=provider_id))
