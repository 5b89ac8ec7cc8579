"""Book for a customer who calls or walks in: a form that an empty time fills in."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, request, url_for

from contracts.scheduling import models as m
from monolith.modules.auth.customer_models import AddGuest, Customer, CustomersQuery
from monolith.shared.endpoints.decoding import convert
from monolith.shared.endpoints.errors import invalid_request, require_not_closed
from monolith.web.free_times import free_slots, labelled_starts, local_today
from monolith.web.office.staff_pages import (
    ALREADY_SUBMITTED,
    Catalog,
    Office,
    PageResponse,
    attempt,
    form_key,
    id_in,
    number_of,
    read_catalog,
    render,
    text_of,
    to,
)
from monolith.web.page_context import PageContext

_MOST_SUGGESTED = 200


class StaffBookingPages:
    def __init__(self, office: Office) -> None:
        self._office = office

    def add_to(self, pages: Blueprint) -> None:
        self._office.add(pages, "/new", "new", self.new)
        self._office.add(pages, "/new", "book", self.book, ("POST",))

    def new(self, page: PageContext) -> PageResponse:
        return self._form(page, request.args)

    def book(self, page: PageContext) -> PageResponse:
        form = dict(request.form)

        def action() -> PageResponse:
            require_not_closed(page.business)
            at = chosen_time(page, form)
            matches = self._matches(page)
            if matches:
                return self._form(page, form, matches=matches)
            # If the time is refused, the form is shown again for this customer.
            form["customer"] = str(self._customer(page))
            fields = {
                "offering_id": form.get("offering", ""),
                "provider_id": form.get("provider") or None,
                "customer_id": form["customer"],
                "starts_at": at,
                "seats": number_of("seats") or 1,
                "note": text_of("note"),
                "overbook": "overbook" in form,
                "override": "override" in form,
            }
            booked = page.port.book(page.call_context(form_key()), convert(fields, m.Book))
            return to(page, "appointment", "booked", appointment_id=booked.appointment_id)

        return attempt(action, lambda problem: self._form(page, form, problem=problem))

    def _matches(self, page: PageContext) -> Sequence[Customer]:
        """Return the customers with exactly the typed name, unless one was chosen or the name is a new customer's."""
        if id_in(request.form, "customer") or "new_customer" in request.form:
            return ()
        typed = text_of("name")
        if not typed:
            raise invalid_request("Please enter the customer's name.")
        found = self._office.auth.customers.page(page.business.business_id, CustomersQuery(search=typed[:80])).customers
        return [each for each in found if each.name.casefold() == typed.casefold()]

    def _customer(self, page: PageContext) -> UUID:
        """Return the chosen customer, or add the guest: once for each key and name, however often the form is sent."""
        chosen = id_in(request.form, "customer")
        if chosen is not None:
            return self._office.auth.customers.get(page.business.business_id, chosen).customer_id
        fields = {"name": text_of("name"), "phone": text_of("phone"), "email": text_of("email").lower() or None}
        guest = convert(fields, AddGuest)
        key = sha256(f"{form_key()} {guest}".encode()).hexdigest()
        return self._office.auth.customers.add_guest(page.business.business_id, guest, key).customer_id

    def _form(
        self, page: PageContext, values: Mapping[str, str], problem: str | None = None, matches: Sequence[Customer] = ()
    ) -> str:
        catalog = read_catalog(page)
        day, clock = _day_and_clock(page, values)
        offering = catalog.offering(id_in(values, "offering")) or _usual(catalog, id_in(values, "provider"))
        customer = id_in(values, "customer")
        customers = self._office.auth.customers
        business_id = page.business.business_id
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
            customer=customers.get(business_id, customer) if customer else None,
            suggested=customers.page(business_id, CustomersQuery(limit=_MOST_SUGGESTED)).customers,
            matches=matches,
            problem=problem,
            form_key=None if problem == ALREADY_SUBMITTED else values.get("key"),
            here=url_for("office.new", slug=page.business.slug),
        )


def chosen_time(page: PageContext, form: Mapping[str, str]) -> datetime:
    """Return the instant of the fields `date` and `time`, in the zone of the business. Raises ApiError 400."""
    try:
        local = datetime.combine(date.fromisoformat(form.get("date", "")), time.fromisoformat(form.get("time", "")))
    except ValueError:
        raise invalid_request("Please enter a date and a time.") from None
    return local.replace(tzinfo=ZoneInfo(page.business.zone)).astimezone(UTC)


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
    """Return the first service of the provider, or the first of all."""
    provider = catalog.provider(provider_id)
    offered = [
        each for each in catalog.active_offerings if provider is None or each.offering_id in provider.offering_ids
    ]
    return next(iter(offered), None)


def _times(
    page: PageContext, offering: m.Offering | None, day: date, provider_id: UUID | None
) -> list[tuple[str, datetime]]:
    """Return the free starts of the day, as suggestions. None for a day that has passed."""
    today = local_today(page)
    if offering is None or not today <= day <= today + timedelta(days=700):
        return []
    return labelled_starts(page, free_slots(page, offering, day, provider_id=provider_id))
