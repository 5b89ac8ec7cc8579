"""The last two pages: enter the details, and see that it is booked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import msgspec
from flask import Blueprint, redirect, request, url_for
from werkzeug import Response

from contracts.scheduling import models as m
from contracts.scheduling.errors import (
    HoldExpired,
    InvalidTransition,
    KeyReused,
    OutcomeUnknown,
    SchedulingError,
    SlotUnavailable,
)
from monolith.modules.auth.api import UserRef
from monolith.shared.customer_links import manage_url, reference_of
from monolith.shared.endpoints.decoding import require_key
from monolith.shared.endpoints.errors import ApiError, not_found, require_not_closed
from monolith.shared.localization import N_
from monolith.web.change_terms import cancellation_terms
from monolith.web.forms import instant_in, require_instant_in
from monolith.web.language import gettext
from monolith.web.page_context import PageContext
from monolith.web.problem_messages import error_message
from monolith.web.site.booking import WantedBooking, appointments_with, make_booking
from monolith.web.site.calendar_links import web_calendars
from monolith.web.site.choice import Choice
from monolith.web.site.choosing import customer_of
from monolith.web.site.days import FreeStart, is_free, nearest
from monolith.web.site.guests import FieldProblem, note_in, problems_in
from monolith.web.site.site_request import Site, SiteRequest

PageResponse = str | Response | tuple[str, int]
_LOST = N_("This time is no longer available. Choose another one: what you have entered is kept.")
_UNKNOWN = N_("We do not know whether this was booked. Send the form again: it is booked once only.")
_HELD_LONG_ENOUGH = N_("This time cannot be held any longer. Please book it, or choose another time later.")
_NOT_NOW = N_("Nothing was booked, because booking is not possible at this moment. Send the form again.")
_BOOKED_ALREADY = N_("You have already booked another time with this form. Its confirmation is in your mail.")


@dataclass(frozen=True)
class Checkout:
    """A visitor who has chosen a time. Without a `hold`, a visit or a series, nothing is reserved yet."""

    visit: SiteRequest
    choice: Choice
    page: PageContext
    at: datetime
    key: str
    hold: m.Appointment | None = None
    token: str = ""
    user: UserRef | None = None
    """The account of the customer. None: a guest."""

    @property
    def is_guest(self) -> bool:
        return self.user is None

    @property
    def is_booked(self) -> bool:
        return self.hold is not None and self.hold.status not in ("held", "expired", "cancelled")

    @property
    def is_held(self) -> bool:
        return self.hold is not None and self.hold.status == "held"

    def fields(self) -> list[tuple[str, str]]:
        """Return the hidden fields that bring this checkout back."""
        own = [("token", self.token)] if self.token else [("at", self.at.isoformat()), ("key", self.key)]
        zone = [("zone", self.visit.zone.name)] if self.visit.zone.chosen else []
        return [*self.choice.fields(), *zone, *own]


class CheckoutPages:
    def __init__(self, site: Site) -> None:
        self._site = site

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/b/<slug>/details", "details", self.details, methods=["GET"])
        pages.add_url_rule("/b/<slug>/details", "book", self.book, methods=["POST"])
        pages.add_url_rule("/b/<slug>/extend", "extend_hold", self.extend_hold, methods=["POST"])
        pages.add_url_rule("/b/<slug>/booked", "booked", self.booked)

    def details(self, slug: str) -> PageResponse:
        checkout = self._checkout(slug)
        if checkout.is_booked:
            # The visitor went back from the last page.
            return redirect(url_for("pages.booked", slug=slug, token=checkout.token), 303)
        if checkout.hold is None and not _is_offered(checkout):
            return self._lost(checkout, checkout.at)
        return self._form(checkout)

    def book(self, slug: str) -> PageResponse:
        """Book once, however often the form is sent: the key of the booking follows from the hold."""
        checkout = self._checkout(slug)
        if checkout.is_booked:
            return redirect(url_for("pages.booked", slug=slug, token=checkout.token), 303)
        require_not_closed(checkout.page.business)
        wrong = problems_in(request.form, guest=checkout.is_guest)
        if wrong:
            return self._form(checkout, wrong=wrong), 400
        at = instant_in(request.form, "instead") or checkout.at
        wanted = WantedBooking(checkout.choice, at, note_in(request.form), checkout.key, checkout.hold)
        try:
            if checkout.is_guest:
                self._site.guests.register(checkout.page.business.business_id, checkout.page.own_id, request.form)
            made, missing = make_booking(checkout.page, wanted)
        except SlotUnavailable:
            return self._lost(checkout, at)
        except KeyReused:
            return self._form(checkout, problem=gettext(_BOOKED_ALREADY), lost=True), 409
        except (ApiError, SchedulingError) as error:
            if error.status != 429 and not getattr(error, "retryable", False):
                raise
            return self._form(checkout, problem=_message(error)), error.status
        links, business_id = self._site.links, checkout.page.business.business_id
        token = links.appointment_token(business_id, checkout.page.own_id, made.appointment_id)
        zone = checkout.visit.zone.parameter
        return redirect(url_for("pages.booked", slug=slug, token=token, missing=missing or None, zone=zone), 303)

    def _lost(self, checkout: Checkout, at: datetime) -> PageResponse:
        near = nearest(checkout.page, checkout.choice, at)
        return self._form(checkout, problem=gettext(_LOST), near=near, lost=True), 409

    def extend_hold(self, slug: str) -> PageResponse:
        """Hold the time for longer, and show the form again with what was typed."""
        checkout = self._checkout(slug)
        page, hold, problem = checkout.page, checkout.hold, None
        if hold is not None and hold.status == "held":
            context = page.call_context(f"extend-{hold.appointment_id}-{hold.version}")
            try:
                hold = page.port.extend_hold(context, m.ExtendHold(appointment_id=hold.appointment_id))
            except HoldExpired:
                hold = msgspec.structs.replace(hold, status="expired")
            except InvalidTransition:
                problem = gettext(_HELD_LONG_ENOUGH)
        return self._form(replace(checkout, hold=hold), problem=problem)

    def booked(self, slug: str) -> PageResponse:
        token = request.args.get("token", "")
        visit = self._site.visit(slug)
        page, appointment_id = self._site.page_of_token(slug, token)
        first, *further = appointments_with(page, appointment_id)
        if first.status not in ("pending", "booked"):
            return redirect(url_for("pages.managed_appointment", token=token), 303)
        return visit.render(
            "booked.html",
            appointments=[first, *further],
            a=first,
            reference=reference_of(first.appointment_id),
            token=token,
            manage_url=manage_url(self._site.auth.public_url, token),
            calendars=web_calendars(page.business, first),
            missing=request.args.get("missing", 0, type=int),
        )

    def _checkout(self, slug: str) -> Checkout:
        """Return what the address or the form names. Raises ApiError 404 if it is no longer offered."""
        visit, token = self._site.visit(slug), request.values.get("token", "")
        choice = visit.choice
        if choice is None or not choice.providers:
            raise ApiError(404, "not_found", N_("This service is no longer offered. Please choose another one."))
        if not token:
            key = require_key(request.values.get("key"))
            page = visit.page.acting_for(customer_of(self._site, visit.page, key))
            at = require_instant_in(request.values)
            return Checkout(visit, choice, page, at, key, user=self._site.auth.api.user(page.own_id))
        page, appointment_id = self._site.page_of_token(slug, token)
        hold = page.port.get_appointment(page.call_context(), m.GetAppointment(appointment_id=appointment_id))
        if hold.offering_id != choice.offering.offering_id or not choice.can_be_held:
            raise not_found("appointment")
        user = self._site.auth.api.user(page.own_id)
        return Checkout(visit, choice, page, hold.starts_at, f"book-{appointment_id}", hold, token, user)

    def _form(
        self,
        checkout: Checkout,
        *,
        problem: str | None = None,
        wrong: Sequence[FieldProblem] = (),
        near: Sequence[FreeStart] = (),
        lost: bool = False,
    ) -> str:
        visit, choice, hold = checkout.visit, checkout.choice, checkout.hold
        return visit.render(
            "details.html",
            checkout=checkout,
            provider=hold.provider_name if hold else choice.provider.name if choice.provider else "",
            price=visit.price(choice),
            cancelling=cancellation_terms(choice.offering, checkout.at),
            lost=lost or checkout.at <= datetime.now(UTC),
            near=near,
            wrong={each.field: each.message for each in wrong},
            form=request.form,
            problem=problem,
        )


def _is_offered(checkout: Checkout) -> bool:
    """Return whether the time is free, or was booked by the same customer, who went back from the last page."""
    if is_free(checkout.page, checkout.choice, checkout.at) is not None:
        return True
    own = m.ListAppointments(
        customer_id=checkout.page.own_id,
        start=checkout.at,
        end=checkout.at + timedelta(minutes=1),
        statuses=("pending", "booked"),
        limit=1,
    )
    return bool(checkout.page.port.list_appointments(checkout.page.call_context(), own).appointments)


def _message(error: ApiError | SchedulingError) -> str:
    if isinstance(error, ApiError):
        return error_message(error)
    return gettext(_UNKNOWN if isinstance(error, OutcomeUnknown) else _NOT_NOW)
