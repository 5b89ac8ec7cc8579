"""The pages on which a person books, sees and cancels an appointment."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, request, url_for
from msgspec import Struct
from werkzeug import Response

from contracts.scheduling import codec
from contracts.scheduling import models as m
from contracts.scheduling.errors import Conflict, SlotUnavailable
from contracts.scheduling.values import Instant
from monolith.modules.billing.api import BillingApi, InvoicesQuery
from monolith.shared.endpoints import BusinessRef
from monolith.web.viewing import money
from monolith.web.visiting import Visit, Visits, new_key

_PAGE = 20
_FARTHEST = timedelta(days=2 * 366)
_LOOKED_AHEAD = 14


class _Wanted(Struct, frozen=True):
    """What a link to the confirmation carries."""

    offering: UUID
    provider: UUID
    at: Instant


class BookingPages:
    """Speaks to scheduling through the port, like every other client."""

    def __init__(self, visits: Visits, billing: BillingApi) -> None:
        self._visits = visits
        self._billing = billing

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/b/<slug>", "business", self.business)
        pages.add_url_rule("/b/<slug>/confirm", "confirm", self.confirm, methods=["GET"])
        pages.add_url_rule("/b/<slug>/confirm", "book", self.book, methods=["POST"])
        pages.add_url_rule("/b/<slug>/appointments", "appointments", self.appointments)
        pages.add_url_rule("/b/<slug>/appointments/<uuid:appointment_id>", "appointment", self.appointment)
        pages.add_url_rule(
            "/b/<slug>/appointments/<uuid:appointment_id>/cancel", "cancel", self.cancel, methods=["POST"]
        )
        pages.add_url_rule("/b/<slug>/invoices", "invoices", self.invoices)

    def business(self, slug: str) -> str:
        visit = self._visits.of(slug)
        catalog = visit.port.list_offerings(visit.context(), m.ListOfferings())
        offerings = [offering for offering in catalog.offerings if offering.active]
        today = datetime.now(ZoneInfo(visit.business.zone)).date()
        chosen = _chosen(offerings, request.args.get("offering"))
        day = _day(request.args.get("day"), today) or _first_free_day(visit, chosen, today)
        return visit.render(
            "business.html",
            offerings=offerings,
            chosen=chosen,
            day=day,
            today=today,
            day_before=day - timedelta(days=1),
            day_after=day + timedelta(days=1),
            slots=_slots(visit, chosen, day) if chosen else (),
            providers=_provider_names(visit),
            prices=self._prices(visit.business),
            staff=visit.is_staff(),
        )

    def confirm(self, slug: str) -> str | Response:
        visit = self._visits.of(slug)
        if not visit.is_member():
            return visit.to_sign_in()
        return self._confirmation(visit, request.args)

    def book(self, slug: str) -> str | Response | tuple[str, int]:
        visit = self._visits.of(slug)
        if not visit.is_member():
            return visit.to_sign_in()
        form = request.form
        wanted = {
            "offering_id": form.get("offering", ""),
            "provider_id": form.get("provider", ""),
            "customer_id": visit.who().user_id,
            "starts_at": form.get("at", ""),
            "note": " ".join(form.get("note", "").split()),
        }
        try:
            booked = visit.port.book(visit.context(codec.require_key(form.get("key"))), codec.convert(wanted, m.Book))
        except SlotUnavailable as error:
            return self._confirmation(visit, form, problem=f"{error.message} Please choose another one."), 409
        return redirect(url_for("pages.appointment", slug=slug, appointment_id=booked.appointment_id), 303)

    def appointments(self, slug: str) -> str | Response:
        visit = self._visits.of(slug)
        if not visit.is_member():
            return visit.to_sign_in()
        wanted = {"customer_id": visit.who().user_id, "limit": _PAGE, "cursor": request.args.get("cursor") or None}
        page = visit.port.list_appointments(visit.context(), codec.convert(wanted, m.ListAppointments))
        return visit.render("appointments.html", appointments=page.appointments, next_cursor=page.next_cursor)

    def appointment(self, slug: str, appointment_id: UUID) -> str | Response:
        visit = self._visits.of(slug)
        if not visit.is_member():
            return visit.to_sign_in()
        return _shown(visit, appointment_id)

    def cancel(self, slug: str, appointment_id: UUID) -> str | Response | tuple[str, int]:
        visit = self._visits.of(slug)
        if not visit.is_member():
            return visit.to_sign_in()
        given = {"appointment_id": str(appointment_id), "expected_version": request.form.get("version", "")}
        wanted = codec.convert(codec.typed_query(given, m.Cancel), m.Cancel)
        try:
            visit.port.cancel(visit.context(codec.require_key(request.form.get("key"))), wanted)
        except Conflict as error:
            return _shown(visit, appointment_id, problem=error.message), 409
        return redirect(url_for("pages.appointment", slug=slug, appointment_id=appointment_id), 303)

    def invoices(self, slug: str) -> str | Response:
        visit = self._visits.of(slug)
        if not visit.is_member():
            return visit.to_sign_in()
        wanted = InvoicesQuery(customer_id=visit.who().user_id, cursor=request.args.get("cursor") or None, limit=_PAGE)
        page = self._billing.invoices(visit.business.business_id, wanted)
        return visit.render("invoices.html", invoices=page.invoices, next_cursor=page.next_cursor)

    def _confirmation(self, visit: Visit, given: Mapping[str, str], problem: str | None = None) -> str:
        wanted = codec.convert(
            {"offering": given.get("offering", ""), "provider": given.get("provider", ""), "at": given.get("at", "")},
            _Wanted,
        )
        offerings = visit.port.list_offerings(visit.context(), m.ListOfferings()).offerings
        providers = visit.port.list_providers(visit.context(), m.ListProviders()).providers
        offering = next((o for o in offerings if o.offering_id == wanted.offering), None)
        provider = next((p for p in providers if p.provider_id == wanted.provider), None)
        if offering is None or provider is None:
            return visit.render("business.html", offerings=[], problem="This service is no longer offered.")
        return visit.render(
            "confirm.html",
            offering=offering,
            provider=provider,
            starts_at=wanted.at,
            price=self._prices(visit.business).get(offering.offering_id, ""),
            free_until=_free_until(offering, wanted.at),
            key=new_key(),
            problem=problem,
        )

    def _prices(self, business: BusinessRef) -> dict[UUID, str]:
        """`, 25.00 EUR` by offering, for those that cost something."""
        prices = self._billing.prices(business.business_id).prices
        return {p.offering_id: f", {money(p.amount_minor, p.currency)}" for p in prices if p.amount_minor}


def _free_until(offering: m.Offering, starts_at: datetime) -> datetime | None:
    """The last moment at which cancelling costs nothing; None when it has passed."""
    until = starts_at - timedelta(minutes=offering.cancel_cutoff_minutes)
    return until if until > datetime.now(UTC) else None


def _day(text: str | None, today: date) -> date | None:
    """The day asked for, from today until the farthest; None when none was."""
    try:
        asked = date.fromisoformat(text) if text else None
    except ValueError:
        asked = None
    return asked and min(max(asked, today), today + _FARTHEST)


def _first_free_day(visit: Visit, offering: m.Offering | None, today: date) -> date:
    """The next day with a free time, so that the page begins with something to choose; today when there is none."""
    if offering is None:
        return today
    zone = ZoneInfo(visit.business.zone)
    slots = _slots(visit, offering, today, days=_LOOKED_AHEAD)
    return slots[0].starts_at.astimezone(zone).date() if slots else today


def _chosen(offerings: list[m.Offering], offering_id: str | None) -> m.Offering | None:
    named = [o for o in offerings if str(o.offering_id) == offering_id]
    return next(iter(named or offerings), None)


def _slots(visit: Visit, offering: m.Offering, day: date, days: int = 1) -> tuple[m.Slot, ...]:
    """The free starts of some days on the business's clock, beginning with `day`."""
    zone = ZoneInfo(visit.business.zone)
    wanted = m.SearchSlots(
        offering_id=offering.offering_id,
        start=datetime.combine(day, time(), zone).astimezone(UTC),
        end=datetime.combine(day + timedelta(days=days), time(), zone).astimezone(UTC),
    )
    return visit.port.search_slots(visit.context(), wanted).slots


def _provider_names(visit: Visit) -> dict[UUID, str]:
    return {p.provider_id: p.name for p in visit.port.list_providers(visit.context(), m.ListProviders()).providers}


def _shown(visit: Visit, appointment_id: UUID, problem: str | None = None) -> str:
    found = visit.port.get_appointment(visit.context(), m.GetAppointment(appointment_id=appointment_id))
    return visit.render("appointment.html", a=found, key=new_key(), problem=problem)
