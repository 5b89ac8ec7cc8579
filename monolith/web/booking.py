"""Pages for finding and booking a time, or joining the waitlist."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, request, url_for
from msgspec import Struct
from werkzeug import Response

from contracts.chassis.values import Instant
from contracts.scheduling import models as m
from contracts.scheduling.errors import KeyReused, SlotUnavailable
from monolith.modules.billing.api import BillingApi
from monolith.shared.endpoints import BusinessRef
from monolith.shared.endpoints.decoding import convert, require_key
from monolith.shared.endpoints.errors import ApiError
from monolith.web.change_terms import cancellation_terms
from monolith.web.formatting import money
from monolith.web.free_times import day_window, free_slots, is_free, local_today, requested_day
from monolith.web.page_context import PageContext, PageContextFactory, new_key
from monolith.web.regular_hours import may_become_free

_SEARCH_DAYS = 14
_BOOKED_ALREADY = (
    "You have already booked with this form: see My appointments. Choose another time to book another appointment."
)


class _Selection(Struct, frozen=True):
    """The parameters of a confirmation page. Without a provider, scheduling assigns one."""

    offering: UUID
    at: Instant
    provider: UUID | None = None

    def __post_init__(self) -> None:
        if not 1970 <= self.at.year < 9999:
            raise ValueError("`at` cannot be converted to every time zone")


class BookingPages:
    """Handlers of the pages; they use scheduling through the port only."""

    def __init__(self, contexts: PageContextFactory, billing: BillingApi) -> None:
        self._contexts = contexts
        self._billing = billing

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/b/<slug>", "business", self.business)
        pages.add_url_rule("/b/<slug>/confirm", "confirm", self.confirm, methods=["GET"])
        pages.add_url_rule("/b/<slug>/confirm", "book", self.book, methods=["POST"])
        pages.add_url_rule("/b/<slug>/wait", "wait", self.wait, methods=["POST"])

    def business(self, slug: str) -> str:
        page = self._contexts.for_business(slug)
        catalog = page.port.list_offerings(page.call_context(), m.ListOfferings())
        offerings = [offering for offering in catalog.offerings if offering.active]
        selected = _selected_offering(offerings, request.args.get("offering"))
        providers = _providers_of(page, selected)
        provider_id = next(
            (p.provider_id for p in providers if str(p.provider_id) == request.args.get("provider")), None
        )
        asked = [p for p in providers if provider_id in (None, p.provider_id)]
        today = local_today(page)
        named_day, problem = requested_day(request.args.get("day"), today)
        day = named_day or _first_free_day(page, selected, provider_id, today)
        slots = free_slots(page, selected, day, provider_id=provider_id) if selected else ()
        return page.render(
            "business.html",
            offerings=offerings,
            selected=selected,
            named_day=named_day,
            day=day,
            today=today,
            day_before=day - timedelta(days=1),
            day_after=day + timedelta(days=1),
            starts=_by_start(slots, {p.provider_id: p.name for p in providers}),
            # Free times come first; only a day without any needs the answer.
            may_become_free=selected and not slots and may_become_free(page, selected, asked, day),
            providers=providers,
            provider_id=provider_id,
            prices=self._prices(page.business),
            staff=page.is_staff(),
            key=new_key(),
            problem=problem,
        )

    def confirm(self, slug: str) -> str | Response:
        page = self._contexts.for_business(slug)
        if not page.is_member():
            return page.to_sign_in()
        if "key" not in request.args:
            # With the key in the address, a page that is opened again with *Back* submits the same key.
            offering, provider, at = (request.args.get(name) for name in ("offering", "provider", "at"))
            again = url_for("pages.confirm", slug=slug, offering=offering, provider=provider, at=at, key=new_key())
            return redirect(again, 303)
        return self._confirmation(page, request.args)

    def book(self, slug: str) -> str | Response | tuple[str, int]:
        page = self._contexts.for_business(slug)
        if not page.is_member():
            return page.to_sign_in()
        form = request.form
        fields = {
            "offering_id": form.get("offering", ""),
            "provider_id": form.get("provider") or None,
            "customer_id": page.require_principal().user_id,
            "starts_at": form.get("at", ""),
            "note": " ".join(form.get("note", "").split()),
        }
        try:
            booked = page.port.book(page.call_context(require_key(form.get("key"))), convert(fields, m.Book))
        except SlotUnavailable as error:
            return self._confirmation(page, form, problem=f"{error.message} Please choose another time."), 409
        except KeyReused:
            return self._confirmation(page, form, problem=_BOOKED_ALREADY), 409
        return redirect(url_for("pages.appointment", slug=slug, appointment_id=booked.appointment_id), 303)

    def wait(self, slug: str) -> Response:
        """Join the waitlist for any start on a day."""
        page = self._contexts.for_business(slug)
        if not page.is_member():
            return page.to_sign_in()
        form = request.form
        day, problem = requested_day(form.get("day"), local_today(page))
        if day is None or problem is not None:
            raise ApiError(400, "invalid_day", "This day has passed or is not a date. Please choose another day.")
        start, end = day_window(page, day)
        fields = {
            "offering_id": form.get("offering", ""),
            "provider_id": form.get("provider") or None,
            "customer_id": page.require_principal().user_id,
            "start": start,
            "end": end,
        }
        context = page.call_context(require_key(form.get("key")))
        page.port.join_waitlist(context, convert(fields, m.JoinWaitlist))
        return redirect(url_for("pages.appointments", slug=slug), 303)

    def _confirmation(self, page: PageContext, parameters: Mapping[str, str], problem: str | None = None) -> str:
        required = {name: parameters.get(name, "") for name in ("offering", "at")}
        selection = convert(required | {"provider": parameters.get("provider") or None}, _Selection)
        offerings = page.port.list_offerings(page.call_context(), m.ListOfferings()).offerings
        offering = next((o for o in offerings if o.active and o.offering_id == selection.offering), None)
        providers = _providers_of(page, offering)
        provider = next((p for p in providers if p.provider_id == selection.provider), None)
        if offering is None or (selection.provider is not None and provider is None):
            return page.render("business.html", offerings=[], problem="This service is no longer offered.")
        bookable = problem is None and is_free(page, offering, selection.at, selection.provider)
        return page.render(
            "confirm.html",
            bookable=bookable,
            offering=offering,
            provider=provider or (providers[0] if len(providers) == 1 else None),
            provider_id=selection.provider,
            starts_at=selection.at,
            day=selection.at.astimezone(ZoneInfo(page.business.zone)).date(),
            price=self._prices(page.business).get(offering.offering_id, ""),
            cancelling=cancellation_terms(offering, selection.at),
            key=require_key(parameters.get("key")),
            problem=None if bookable else problem or "This time is not available. Please choose another time.",
        )

    def _prices(self, business: BusinessRef) -> dict[UUID, str]:
        """Return a suffix like `, 25.00 EUR` for each offering that is not free."""
        prices = self._billing.prices(business.business_id).prices
        return {p.offering_id: f", {money(p.amount_minor, p.currency)}" for p in prices if p.amount_minor}


class _Start(Struct, frozen=True):
    """A start time that can be selected, and the label shown below it."""

    at: Instant
    label: str


def _by_start(slots: Sequence[m.Slot], names: Mapping[UUID, str]) -> list[_Start]:
    """Group the slots by start time."""
    return [_start(at, list(those), names) for at, those in groupby(slots, key=lambda slot: slot.starts_at)]


def _start(at: Instant, slots: list[m.Slot], names: Mapping[UUID, str]) -> _Start:
    if len(slots) > 1:
        return _Start(at, f"{len(slots)} available")
    seats = slots[0].seats_left
    left = "" if seats is None else f", {seats} left"
    return _Start(at, names.get(slots[0].provider_id, "") + left)


def _providers_of(page: PageContext, offering: m.Offering | None) -> list[m.Provider]:
    """Return the active providers who perform the offering."""
    every = page.port.list_providers(page.call_context(), m.ListProviders()).providers
    return [p for p in every if offering and p.active and offering.offering_id in p.offering_ids]


def _first_free_day(page: PageContext, offering: m.Offering | None, provider_id: UUID | None, today: date) -> date:
    """Return the next day that has free slots, so that the page opens with a choice; today if there is none."""
    if offering is None:
        return today
    slots = free_slots(page, offering, today, days=_SEARCH_DAYS, provider_id=provider_id)
    return slots[0].starts_at.astimezone(ZoneInfo(page.business.zone)).date() if slots else today


def _selected_offering(offerings: list[m.Offering], offering_id: str | None) -> m.Offering | None:
    named = [o for o in offerings if str(o.offering_id) == offering_id]
    return next(iter(named or offerings), None)
