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
from monolith.shared.endpoints.errors import ApiError, not_found, require_not_closed, unauthenticated
from monolith.shared.localization import N_
from monolith.web.change_terms import cancellation_terms
from monolith.web.forms import instant_in, require_instant_in
from monolith.web.language import gettext
from monolith.web.page_context import PageContext, new_key
from monolith.web.problem_messages import error_message
from monolith.web.site.booking import WantedBooking, appointments_with, make_booking
from monolith.web.site.calendar_links import web_calendars
from monolith.web.site.choice import Choice
from monolith.web.site.choosing import customer_of
from monolith.web.site.days import FreeStart, is_free, nearest
from monolith.web.site.guests import FieldProblem, GuestForm, note_in, problems_in
from monolith.web.site.site_request import Site, SiteRequest

PageResponse = str | Response | tuple[str, int]
_LOST = N_("This time is no longer available. Choose another one: what you have entered is kept.")
_NOT_FREE = N_("This time is not available. If you have just booked it, the confirmation is in your mail.")
_UNKNOWN = N_("We do not know whether this was booked. Send the form again: it is booked once only.")
_HELD_LONG_ENOUGH = N_("This time cannot be held any longer. Please book it, or choose another time later.")
_NOT_NOW = N_("Nothing was booked, because booking is not possible at this moment. Send the form again.")
_BOOKED_ALREADY = N_("You have already booked another time with this form. Its confirmation is in your mail.")
_ENDED = N_("This time has been booked. The mail with its confirmation has the link to see or change it.")


@dataclass(frozen=True)
class Checkout:
    """A visitor who has chosen a time. Without a `hold`, a visit or a series, nothing is reserved yet."""

    visit: SiteRequest
    choice: Choice
    page: PageContext
    at: datetime
    key: str
    """Of the booking. It follows from the hold, so that two forms of the same hold book once."""
    form_key: str
    hold: m.Appointment | None = None
    token: str = ""
    user: UserRef | None = None
    """The account of the customer. None: a guest."""

    @property
    def is_guest(self) -> bool:
        return self.user is None

    @property
    def made(self) -> m.Appointment | None:
        """Return the appointment that the hold has become, which may have been cancelled since; None for a hold."""
        hold = self.hold
        if hold is None or hold.status in ("held", "expired"):
            return None
        return None if hold.status == "cancelled" and hold.hold_expires_at is not None else hold

    @property
    def guest_form(self) -> GuestForm:
        return GuestForm(self.page.business.business_id, self.page.own_id, self.form_key)

    @property
    def is_held(self) -> bool:
        return self.hold is not None and self.hold.status == "held"

    def fields(self) -> list[tuple[str, str]]:
        """Return the hidden fields that bring this checkout back."""
        own = ("token", self.token) if self.token else ("at", self.at.isoformat())
        zone = [("zone", self.visit.zone.name)] if self.visit.zone.chosen else []
        return [*self.choice.fields(), *zone, own, ("key", self.form_key)]


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
        if checkout.made is not None:
            # The visitor went back from the last page. The address does not prove that they are the guest who booked.
            if checkout.is_guest:
                raise ApiError(409, "booked_already", _ENDED)
            return self._to_booked(checkout, checkout.made)
        if checkout.hold is None and not _is_offered(checkout):
            return self._lost(checkout, checkout.at, _NOT_FREE if checkout.is_guest else _LOST)
        return self._form(checkout)

    def book(self, slug: str) -> PageResponse:
        """Book once, however often the form is sent: the key of the booking follows from the hold.

        Without an account, only the form that entered the details leads to what was booked.
        """
        checkout = self._checkout(slug)
        if checkout.made is not None:
            if checkout.is_guest and not self._site.guests.have_entered(checkout.guest_form):
                raise ApiError(409, "booked_already", _ENDED)
            return self._to_booked(checkout, checkout.made)
        require_not_closed(checkout.page.business)
        wrong = problems_in(request.form, guest=checkout.is_guest)
        if wrong:
            return self._form(checkout, wrong=wrong), 400
        at = instant_in(request.form, "instead") or checkout.at
        wanted = WantedBooking(checkout.choice, at, note_in(request.form), checkout.key, checkout.hold)
        try:
            if checkout.is_guest:
                mails = len(checkout.choice.offerings)
                self._site.guests.register(checkout.guest_form, request.form, mails)
            made, missing = make_booking(checkout.page, wanted)
        except SlotUnavailable:
            return self._lost(checkout, at)
        except KeyReused:
            return self._form(checkout, problem=gettext(_BOOKED_ALREADY), lost=True), 409
        except (ApiError, SchedulingError) as error:
            if error.status != 429 and not getattr(error, "retryable", False):
                raise
            return self._form(checkout, problem=_message(error)), error.status
        return self._to_booked(checkout, made, missing)

    def _to_booked(self, checkout: Checkout, made: m.Appointment, missing: int = 0) -> Response:
        """Redirect to the page of what was booked, with the token of its link."""
        business, links = checkout.page.business, self._site.links
        token = links.appointment_token(business.business_id, checkout.page.own_id, made.appointment_id)
        zone = checkout.visit.zone.parameter
        address = url_for("pages.booked", slug=business.slug, token=token, missing=missing or None, zone=zone)
        return redirect(address, 303)

    def _lost(self, checkout: Checkout, at: datetime, problem: str = _LOST) -> PageResponse:
        near = nearest(checkout.page, checkout.choice, at)
        return self._form(checkout, problem=gettext(problem), near=near, lost=True), 409

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
        customer = (page.business.business_id, page.own_id)
        contact = self._site.auth.api.contacts({customer}).get(customer)
        return visit.render(
            "booked.html",
            unconfirmed=contact is not None and not contact.confirmed,
            has_account=self._site.auth.api.user(page.own_id) is not None,
            appointments=[first, *further],
            a=first,
            reference=reference_of(first.appointment_id),
            token=token,
            manage_url=manage_url(self._site.auth.public_url, token),
            calendars=web_calendars(page.business, first),
            missing=request.args.get("missing", 0, type=int),
        )

    def _checkout(self, slug: str) -> Checkout:
        """Return what the address or the form names.

        Raises ApiError 404 if it is no longer offered, and 401 if an account that has not signed in holds the time.
        """
        visit, token, key = self._site.visit(slug), request.values.get("token", ""), _form_key()
        choice = visit.choice
        if choice is None or not choice.providers:
            raise ApiError(404, "not_found", N_("This service is no longer offered. Please choose another one."))
        if not token:
            page = visit.page.acting_for(customer_of(self._site, visit.page, key))
            at = require_instant_in(request.values)
            return Checkout(visit, choice, page, at, key, key, user=self._site.auth.api.user(page.own_id))
        page, appointment_id = self._site.page_of_hold(slug, token)
        hold = page.port.get_appointment(page.call_context(), m.GetAppointment(appointment_id=appointment_id))
        if hold.offering_id != choice.offering.offering_id or not choice.can_be_held:
            raise not_found("appointment")
        user = self._site.auth.api.user(page.own_id)
        if user is not None and visit.page.signed_in_id != user.user_id:
            raise unauthenticated()
        return Checkout(visit, choice, page, hold.starts_at, f"book-{appointment_id}", key, hold, token, user)

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


def _form_key() -> str:
    """Return the key of the form that was sent, or one for a new form, which no address contains."""
    return require_key(request.form.get("key")) if request.method == "POST" else new_key()


def _is_offered(checkout: Checkout) -> bool:
    """Return whether the time is free, or was booked by the signed-in customer, who went back from the last page."""
    if is_free(checkout.page, checkout.choice, checkout.at) is not None:
        return True
    if checkout.is_guest:
        return False
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
