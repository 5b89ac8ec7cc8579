"""Pages that list a customer's appointments and confirm, reschedule or cancel them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, request, url_for
from werkzeug import Response

from contracts.chassis.decoding import typed_query
from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import Conflict
from contracts.scheduling.port import SchedulingPort
from monolith.modules.auth.api import AuthApi, UserRef
from monolith.modules.billing.api import BillingApi, InvoicesQuery, fee_of
from monolith.shared.endpoints.decoding import convert, require_key
from monolith.web.change_terms import ChangeTerms, cancellation_terms, reschedule_terms
from monolith.web.formatting import money
from monolith.web.free_times import free_slots_for, local_today, requested_day
from monolith.web.page_context import PageContext, PageContextFactory, new_key

_PAGE_SIZE = 20
_APPOINTMENT = "/b/<slug>/appointments/<uuid:appointment_id>"

Q = TypeVar("Q", bound=m.Request)
PageResponse = str | Response | tuple[str, int]


class AppointmentPages:
    """Handlers of the pages; they use scheduling through the port only."""

    def __init__(self, contexts: PageContextFactory, customers: AuthApi, billing: BillingApi) -> None:
        self._contexts = contexts
        self._customers = customers
        self._billing = billing

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/b/<slug>/appointments", "appointments", self.appointments)
        pages.add_url_rule("/b/<slug>/waiting/<uuid:entry_id>/leave", "leave", self.leave, methods=["POST"])
        pages.add_url_rule(_APPOINTMENT, "appointment", self.appointment)
        pages.add_url_rule(_APPOINTMENT + "/confirm", "confirm_hold", self.confirm_hold, methods=["POST"])
        pages.add_url_rule(_APPOINTMENT + "/cancel", "cancel", self.cancel, methods=["POST"])
        pages.add_url_rule(_APPOINTMENT + "/move", "other_times", self.other_times, methods=["GET"])
        pages.add_url_rule(_APPOINTMENT + "/move", "move", self.move, methods=["POST"])
        pages.add_url_rule("/b/<slug>/invoices", "invoices", self.invoices)

    def appointments(self, slug: str) -> str | Response:
        page = self._contexts.for_business(slug)
        if not page.is_member():
            return page.to_sign_in()
        customer_id, cursor = page.require_principal().user_id, request.args.get("cursor") or None
        fields = {"customer_id": customer_id, "limit": _PAGE_SIZE, "cursor": cursor}
        found = page.port.list_appointments(page.call_context(), convert(fields, m.ListAppointments))
        return page.render(
            "appointments.html",
            appointments=found.appointments,
            next_cursor=found.next_cursor,
            waiting=_open_waitlist_entries(page),
            key=new_key(),
        )

    def leave(self, slug: str, entry_id: UUID) -> PageResponse:
        page = self._contexts.for_business(slug)
        if not page.is_member():
            return page.to_sign_in()
        page.port.leave_waitlist(page.call_context(_form_key()), m.LeaveWaitlist(entry_id=entry_id))
        return redirect(url_for("pages.appointments", slug=slug), 303)

    def appointment(self, slug: str, appointment_id: UUID) -> str | Response:
        page = self._contexts.for_business(slug)
        if not page.is_member():
            return page.to_sign_in()
        return self._render_appointment(page, appointment_id)

    def confirm_hold(self, slug: str, appointment_id: UUID) -> PageResponse:
        return self._change(slug, appointment_id, m.Confirm, lambda port, ctx, request: port.confirm(ctx, request))

    def cancel(self, slug: str, appointment_id: UUID) -> PageResponse:
        return self._change(slug, appointment_id, m.Cancel, lambda port, ctx, request: port.cancel(ctx, request))

    def other_times(self, slug: str, appointment_id: UUID) -> str | Response:
        page = self._contexts.for_business(slug)
        if not page.is_member():
            return page.to_sign_in()
        return self._render_move(page, appointment_id)

    def move(self, slug: str, appointment_id: UUID) -> PageResponse:
        page = self._contexts.for_business(slug)
        if not page.is_member():
            return page.to_sign_in()
        form = {"starts_at": request.form.get("at", ""), "expected_version": request.form.get("version", "")}
        fields = typed_query(form | {"appointment_id": str(appointment_id)}, m.Reschedule)
        try:
            page.port.reschedule(page.call_context(_form_key()), convert(fields, m.Reschedule))
        except Conflict as error:
            return self._render_move(page, appointment_id, problem=error.message), 409
        return redirect(url_for("pages.appointment", slug=slug, appointment_id=appointment_id), 303)

    def invoices(self, slug: str) -> str | Response:
        page = self._contexts.for_business(slug)
        if not page.is_member():
            return page.to_sign_in()
        customer_id, cursor = page.require_principal().user_id, request.args.get("cursor") or None
        query = InvoicesQuery(customer_id=customer_id, cursor=cursor, limit=_PAGE_SIZE)
        found = self._billing.invoices(page.business.business_id, query)
        return page.render("invoices.html", invoices=found.invoices, next_cursor=found.next_cursor)

    def _change(
        self, slug: str, appointment_id: UUID, model: type[Q], run: Callable[[SchedulingPort, CallContext, Q], object]
    ) -> PageResponse:
        """Run the operation of a button on the appointment page; show a conflict on the same page."""
        page = self._contexts.for_business(slug)
        if not page.is_member():
            return page.to_sign_in()
        fields = {"appointment_id": str(appointment_id)}
        if "version" in request.form:
            fields["expected_version"] = request.form["version"]
        request_model = convert(typed_query(fields, model), model)
        try:
            run(page.port, page.call_context(_form_key()), request_model)
        except Conflict as error:
            return self._render_appointment(page, appointment_id, problem=error.message), 409
        return redirect(url_for("pages.appointment", slug=slug, appointment_id=appointment_id), 303)

    def _render_appointment(self, page: PageContext, appointment_id: UUID, problem: str | None = None) -> str:
        found = _appointment(page, appointment_id)
        upcoming = found.status in ("held", "pending", "booked") and found.starts_at > datetime.now(UTC)
        offering = _offering(page, found) if upcoming else None
        cancelling = ChangeTerms()
        if offering and not page.is_staff():  # who are exempt from cut-offs and fees
            cancelling = cancellation_terms(offering, found.starts_at)
        return page.render(
            "appointment.html",
            a=found,
            customer=self._other_customer(page, found),
            upcoming=upcoming,
            cancelling=cancelling,
            moving=_reschedule_terms(page, offering, found),
            fee=self._fee(page, found, cancelling.fee_percent if upcoming else found.fee_percent),
            key=new_key(),
            problem=problem,
        )

    def _render_move(self, page: PageContext, appointment_id: UUID, problem: str | None = None) -> str:
        found = _appointment(page, appointment_id)
        offering, today = _offering(page, found), local_today(page)
        current_day = found.starts_at.astimezone(ZoneInfo(page.business.zone)).date()
        named_day, day_problem = requested_day(request.args.get("day"), today)
        day = named_day or max(current_day, today)
        terms = _reschedule_terms(page, offering, found)
        return page.render(
            "move.html",
            a=found,
            day=day,
            today=today,
            day_before=day - timedelta(days=1),
            day_after=day + timedelta(days=1),
            slots=free_slots_for(page, offering, found, day, found.provider_id) if offering else (),
            selected=_selected_time(),
            moving=terms,
            fee=self._fee(page, found, terms.fee_percent),
            key=new_key(),
            problem=problem or day_problem,
        )

    def _other_customer(self, page: PageContext, appointment: m.Appointment) -> UserRef | None:
        """Return the customer if staff look at the appointment of another person; otherwise None."""
        if appointment.customer_id == page.require_principal().user_id:
            return None
        customer_id = appointment.customer_id
        contact = self._customers.contacts({customer_id}).get(customer_id)
        if contact is not None:
            return contact
        names = self._customers.customer_names(page.business.business_id, {customer_id})
        return UserRef(customer_id, names.get(customer_id, "Unknown customer"), "")

    def _fee(self, page: PageContext, appointment: m.Appointment, percent: int) -> str:
        """Return the fee, like `12.50 EUR`, or an empty string. Without an invoice yet, the current price counts."""
        if not percent or appointment.status in ("held", "pending"):
            return ""
        business_id = page.business.business_id
        invoices = self._billing.invoices(
            business_id, InvoicesQuery(appointment_id=appointment.appointment_id)
        ).invoices
        prices = self._billing.prices(business_id).prices
        charged = [(each.total_minor, each.currency) for each in invoices if each.subject == "appointment"]
        expected = [
            (p.amount_minor * appointment.seats, p.currency) for p in prices if p.offering_id == appointment.offering_id
        ]
        for total, currency in (charged or expected)[:1]:
            fee = fee_of(total, percent)
            return money(fee, currency) if fee else ""
        return ""


def _appointment(page: PageContext, appointment_id: UUID) -> m.Appointment:
    return page.port.get_appointment(page.call_context(), m.GetAppointment(appointment_id=appointment_id))


def _offering(page: PageContext, appointment: m.Appointment) -> m.Offering | None:
    offerings = page.port.list_offerings(page.call_context(), m.ListOfferings()).offerings
    return next((each for each in offerings if each.offering_id == appointment.offering_id), None)


def _reschedule_terms(page: PageContext, offering: m.Offering | None, appointment: m.Appointment) -> ChangeTerms:
    if offering is None:
        return ChangeTerms(refused=True)
    return ChangeTerms() if page.is_staff() else reschedule_terms(offering, appointment)


def _selected_time() -> datetime | None:
    try:
        at = datetime.fromisoformat(request.values.get("at", ""))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def _open_waitlist_entries(page: PageContext) -> list[tuple[m.WaitlistEntry, str]]:
    """Return the customer's open waitlist entries with the names of their services."""
    customer_id = page.require_principal().user_id
    entries = page.port.list_waitlist(page.call_context(), m.ListWaitlist(limit=200)).entries
    own = [e for e in entries if e.customer_id == customer_id and e.status in ("waiting", "offered")]
    if not own:
        return []
    names = {o.offering_id: o.name for o in page.port.list_offerings(page.call_context(), m.ListOfferings()).offerings}
    return [(entry, names.get(entry.offering_id, "")) for entry in own]


def _form_key() -> str:
    return require_key(request.form.get("key"))
