"""The page of one appointment: for its signed-in customer, for staff, and by its link without signing in.

The link acts for the customer and not for the signed-in user. No GET changes anything: mail programs open links.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from werkzeug import Response

from contracts.chassis.decoding import typed_query
from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import Conflict
from contracts.scheduling.port import SchedulingPort
from monolith.modules.auth.api import UserRef
from monolith.modules.auth.module import Auth
from monolith.modules.billing.api import BillingApi, InvoicesQuery, fee_of
from monolith.modules.scheduling.calendar_files import calendar_of
from monolith.shared.customer_links import reference_of
from monolith.shared.endpoints.decoding import convert, require_key
from monolith.shared.endpoints.errors import ApiError, not_found
from monolith.web.catalog import id_in
from monolith.web.change_terms import ChangeTerms, cancellation_terms, reschedule_terms
from monolith.web.formatting import money
from monolith.web.forms import instant_in
from monolith.web.language import gettext, language
from monolith.web.page_context import PageContext, PageContextFactory, new_key
from monolith.web.problem_messages import error_message
from monolith.web.site.booking import appointments_with
from monolith.web.site.ended_links import require_valid
from monolith.web.site.moving import move_choices
from monolith.web.site.zones import visitor_zone, zones_to_choose

Q = TypeVar("Q", bound=m.Request)
PageResponse = str | Response | tuple[str, int]


@dataclass(frozen=True)
class Managed:
    """An appointment and how its page was opened: `token` is that of its link, or empty."""

    page: PageContext
    appointment_id: UUID
    token: str = ""

    def address(self, endpoint: str = "appointment", **parameters: Any) -> str:
        """Return the address of a page about this appointment, which is opened in the same way."""
        if self.token:
            return url_for(f"pages.managed_{endpoint}", token=self.token, **parameters)
        slug, appointment_id = self.page.business.slug, self.appointment_id
        return url_for(f"pages.{endpoint}", slug=slug, appointment_id=appointment_id, **parameters)


class ManagingPages:
    """Handlers of the pages; they use scheduling through the port only."""

    def __init__(self, contexts: PageContextFactory, auth: Auth, billing: BillingApi) -> None:
        self._contexts = contexts
        self._auth = auth
        self._customers = auth.api
        self._billing = billing

    def add_to(self, pages: Blueprint) -> None:
        self._add(pages, "", "appointment", self.appointment, "GET")
        self._add(pages, "/confirm", "confirm_hold", self.confirm_hold, "POST")
        self._add(pages, "/cancel", "cancel", self.cancel, "POST")
        self._add(pages, "/cancel-following", "cancel_following", self.cancel_following, "POST")
        self._add(pages, "/move", "other_times", self.other_times, "GET")
        self._add(pages, "/move", "move", self.move, "POST")
        self._add(pages, "/appointment.ics", "calendar_file", self.calendar_file, "GET")

    def _add(
        self, pages: Blueprint, rule: str, name: str, view: Callable[[Managed], PageResponse], method: str
    ) -> None:
        """Add a page twice: for signed-in users, and for the link of the appointment."""

        @wraps(view)
        def signed_in(slug: str, appointment_id: UUID) -> PageResponse:
            page = self._contexts.for_business(slug)
            return view(Managed(page, appointment_id)) if page.is_member() else page.to_sign_in()

        @wraps(view)
        def by_link() -> PageResponse:
            return view(self._of_link(request.args.get("token", "")))

        pages.add_url_rule(f"/b/<slug>/appointments/<uuid:appointment_id>{rule}", name, signed_in, methods=[method])
        pages.add_url_rule(f"/manage{rule}", f"managed_{name}", by_link, methods=[method])

    def _of_link(self, token: str) -> Managed:
        subject = self._auth.links.appointment(token)
        business = self._customers.business(subject.business_id) if subject else None
        if subject is None or business is None:
            raise not_found("appointment")
        require_valid(self._customers, subject)
        page = self._contexts.of(business).acting_for(subject.customer_id)
        return Managed(page, subject.subject_id, token)

    def appointment(self, managed: Managed) -> PageResponse:
        return self._render_appointment(managed)

    def confirm_hold(self, managed: Managed) -> PageResponse:
        return self._change(managed, m.Confirm, lambda port, ctx, wanted: port.confirm(ctx, wanted))

    def cancel(self, managed: Managed) -> PageResponse:
        return self._change(managed, m.Cancel, lambda port, ctx, wanted: port.cancel(ctx, wanted))

    def cancel_following(self, managed: Managed) -> PageResponse:
        """Cancel the appointment and all that follow in its series."""
        page = managed.page
        wanted = {"series_id": _read(managed).series_id, "from_appointment_id": managed.appointment_id}
        try:
            page.port.cancel_series(page.call_context(_form_key()), convert(wanted, m.CancelSeries))
        except Conflict as error:
            return self._render_appointment(managed, problem=error_message(error)), 409
        return redirect(managed.address(), 303)

    def other_times(self, managed: Managed) -> PageResponse:
        return self._render_move(managed)

    def move(self, managed: Managed) -> PageResponse:
        """Move the appointment. It keeps its time until scheduling has taken the new one in the same transaction."""
        page, context = managed.page, managed.page.call_context(_form_key())
        form = {"starts_at": request.form.get("at", "")}
        one = {"appointment_id": str(managed.appointment_id), "expected_version": request.form.get("version", "")}
        if request.form.get("provider"):
            one["provider_id"] = request.form["provider"]
        try:
            if "following" in request.form:
                all_from = {"series_id": _read(managed).series_id, "from_appointment_id": managed.appointment_id}
                page.port.reschedule_series(context, convert(form | all_from, m.RescheduleSeries))
            else:
                wanted = convert(typed_query(form | one, m.Reschedule), m.Reschedule)
                page.port.reschedule(context, wanted)
        except Conflict as error:
            return self._render_move(managed, problem=error_message(error)), 409
        except ApiError as error:
            if error.status != 429:
                raise
            return self._render_move(managed, problem=error_message(error)), 429
        return redirect(managed.address(), 303)

    def calendar_file(self, managed: Managed) -> PageResponse:
        """Download the appointment, and the others of its visit or series."""
        page = managed.page
        appointments = appointments_with(page, managed.appointment_id)
        content = calendar_of(page.business, appointments, self._auth.public_url, language())
        headers = {"Content-Disposition": 'attachment; filename="appointment.ics"'}
        return Response(content, headers=headers, content_type="text/calendar; charset=utf-8")

    def _change(
        self, managed: Managed, model: type[Q], run: Callable[[SchedulingPort, CallContext, Q], object]
    ) -> PageResponse:
        """Run the operation of a button on the appointment page; show a conflict on the same page."""
        fields = {"appointment_id": str(managed.appointment_id)}
        if "version" in request.form:
            fields["expected_version"] = request.form["version"]
        if "reason" in model.__struct_fields__:
            fields["reason"] = " ".join(request.form.get("reason", "").split())
        wanted = convert(typed_query(fields, model), model)
        try:
            run(managed.page.port, managed.page.call_context(_form_key()), wanted)
        except Conflict as error:
            return self._render_appointment(managed, problem=error_message(error)), 409
        return redirect(managed.address(), 303)

    def _render_appointment(self, managed: Managed, problem: str | None = None) -> str:
        page = managed.page
        found, *group = appointments_with(page, managed.appointment_id)
        upcoming = found.status in ("held", "pending", "booked") and found.starts_at > datetime.now(UTC)
        offering = _offering(page, found) if upcoming else None
        cancelling = ChangeTerms()
        if offering and not page.is_staff():  # who are exempt from cut-offs and fees
            cancelling = cancellation_terms(offering, found.starts_at)
        return page.render(
            "appointment.html",
            a=found,
            group=[(each, self._address_of(managed, each)) for each in group],
            managed=managed,
            reference=reference_of(found.appointment_id),
            customer=self._other_customer(managed, found),
            upcoming=upcoming,
            cancelling=cancelling,
            moving=_reschedule_terms(page, offering, found),
            fee=self._fee(page, found, cancelling.fee_percent if upcoming else found.fee_percent),
            history=page.port.get_history(
                page.call_context(), m.GetHistory(appointment_id=managed.appointment_id)
            ).changes,
            key=new_key(),
            problem=problem,
        )

    def _address_of(self, managed: Managed, other: m.Appointment) -> str:
        """Return the page of another appointment of the same visit or series."""
        token = ""
        if managed.token:
            business_id, customer_id = managed.page.business.business_id, other.customer_id
            token = self._auth.links.appointment_token(business_id, customer_id, other.appointment_id)
        return Managed(managed.page, other.appointment_id, token).address()

    def _render_move(self, managed: Managed, problem: str | None = None) -> str:
        page = managed.page
        zone = visitor_zone(page.business, request.values)
        found = _read(managed)
        offering = _offering(page, found)
        terms = _reschedule_terms(page, offering, found)
        choices = move_choices(page, offering, found, zone, id_in(request.values, "provider"))
        return page.render(
            "move.html",
            a=found,
            managed=managed,
            zone=zone,
            zones=zones_to_choose(zone),
            selected=instant_in(request.values),
            moving=terms,
            fee=self._fee(page, found, terms.fee_percent),
            key=new_key(),
            problem=problem or choices.problem,
            choices=choices,
        )

    def _other_customer(self, managed: Managed, appointment: m.Appointment) -> UserRef | None:
        """Return the customer if staff look at the appointment of another person; otherwise None."""
        customer_id, page = appointment.customer_id, managed.page
        if customer_id == page.own_id:
            return None
        key = (page.business.business_id, customer_id)
        contact = self._customers.contacts({key}).get(key)
        if contact is not None:
            return contact
        names = self._customers.customer_names(page.business.business_id, {customer_id})
        return UserRef(customer_id, names.get(customer_id, gettext("Unknown customer")), "")

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


def _read(managed: Managed) -> m.Appointment:
    request_model = m.GetAppointment(appointment_id=managed.appointment_id)
    return managed.page.port.get_appointment(managed.page.call_context(), request_model)


def _offering(page: PageContext, appointment: m.Appointment) -> m.Offering | None:
    offerings = page.port.list_offerings(page.call_context(), m.ListOfferings()).offerings
    return next((each for each in offerings if each.offering_id == appointment.offering_id), None)


def _reschedule_terms(page: PageContext, offering: m.Offering | None, appointment: m.Appointment) -> ChangeTerms:
    if offering is None:
        return ChangeTerms(refused=True)
    return ChangeTerms() if page.is_staff() else reschedule_terms(offering, appointment)


def _form_key() -> str:
    return require_key(request.form.get("key"))
