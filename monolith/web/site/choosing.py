"""The first two pages: choose a service, then a day and a time. Choosing a time takes a hold."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, request
from werkzeug import Response

from contracts.scheduling import models as m
from contracts.scheduling.errors import SchedulingError, SlotUnavailable
from monolith.shared.endpoints.decoding import convert, require_key
from monolith.shared.endpoints.errors import ApiError, require_not_closed
from monolith.shared.localization import N_
from monolith.shared.middleware import current_request_context
from monolith.web.forms import require_instant_in
from monolith.web.free_times import requested_day
from monolith.web.language import gettext
from monolith.web.page_context import PageContext, new_key
from monolith.web.pictures import origin_of
from monolith.web.regular_hours import may_become_free
from monolith.web.site.booking import release_hold
from monolith.web.site.choice import COUNTS, REPEATS, Choice
from monolith.web.site.days import DAYS_SHOWN, FreeDay, FreeStart, first_free_day, free_days, is_free, nearest
from monolith.web.site.site_request import Site, SiteRequest

PageResponse = str | Response | tuple[str, int]
_JUST_TAKEN = N_("This time is no longer available. Choose another one.")
_NONE_CHOSEN = N_("Choose at least one service.")


class ChoosingPages:
    """Handlers of the pages. They require no personal data; an account only decides who holds the time."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/b/<slug>", "business", self.business)
        pages.add_url_rule("/b/<slug>/hold", "hold", self.hold, methods=["POST"])

    def business(self, slug: str) -> str:
        visit = self._site.visit(slug)
        choice, closed = visit.choice, visit.page.business.is_closed
        if choice is None or not choice.providers or closed or "services" in request.args:
            return self._services(visit)
        return self._times(visit, choice)

    def hold(self, slug: str) -> PageResponse:
        """Hold the chosen time. What cannot be held, a visit or a series, is booked by the next page."""
        visit = self._site.visit(slug)
        choice, key = visit.choice, require_key(request.form.get("key"))
        if choice is None:
            raise ApiError(404, "not_found", N_("This service is no longer offered. Please choose another one."))
        require_not_closed(visit.page.business)
        at = require_instant_in(request.form)
        page = visit.page.acting_for(customer_of(self._site, visit.page, key))
        if not choice.can_be_held:
            return self._without_hold(visit, choice, page, at)
        try:
            held = page.port.hold(page.call_context(_key_of(key, at)), _hold_request(page, choice, at))
        except SlotUnavailable:
            return self._lost(visit, choice, at)
        self._release_earlier_hold(slug, held.appointment_id)
        token = self._site.links.hold_token(page.business.business_id, page.own_id, held.appointment_id)
        return redirect(visit.address("details", token=token), 303)

    def _without_hold(self, visit: SiteRequest, choice: Choice, page: PageContext, at: datetime) -> PageResponse:
        """Check the time, and pass it on. A series is with one provider: the first who is free at its first time."""
        free = is_free(page, choice, at)
        if free is None:
            return self._lost(visit, choice, at)
        provider = {"provider": free.provider.provider_id} if choice.every and free.provider else {}
        return redirect(visit.address("details", at=at.isoformat(), **provider), 303)

    def _release_earlier_hold(self, slug: str, new: UUID) -> None:
        """Release the time that the visitor held before choosing another one. If that fails, it expires."""
        token = request.form.get("held", "")
        if not token:
            return
        with suppress(ApiError, SchedulingError):
            page, appointment_id = self._site.page_of_hold(slug, token)
            if appointment_id != new and _held(page, appointment_id):
                release_hold(page, appointment_id)

    def _lost(self, visit: SiteRequest, choice: Choice, at: datetime) -> tuple[str, int]:
        near = nearest(visit.page, choice, at)
        return self._times(visit, choice, problem=gettext(_JUST_TAKEN), near=near), 409

    def _services(self, visit: SiteRequest) -> str:
        several = "several" in request.args
        none_chosen = several and not {"services", "offering"} & request.args.keys()
        picture = visit.page.business.details.picture_url
        current_request_context().pictures_from = origin_of(picture)
        offered = {each for provider in visit.catalog.active_providers for each in provider.offering_ids}
        return visit.render(
            "services.html",
            offerings=[each for each in visit.catalog.active_offerings if each.offering_id in offered],
            prices=self._site.prices(visit.page),
            several=several,
            problem=gettext(_NONE_CHOSEN) if none_chosen else None,
            picture=picture if origin_of(picture) else "",
            staff=visit.page.is_staff(),
        )

    def _times(
        self, visit: SiteRequest, choice: Choice, problem: str | None = None, near: Sequence[FreeStart] = ()
    ) -> str:
        today, page, zone = visit.zone.today(), visit.page, visit.zone.name
        named, day_problem = requested_day(request.values.get("day"), today)
        first, first_problem = requested_day(request.args.get("from"), today)
        searching = named is None and first is None
        first = first or today
        if named is not None and not first <= named < first + timedelta(days=DAYS_SHOWN):
            first = named
        days = free_days(page, choice, first, zone)
        if searching and not any(each.starts for each in days):
            later = first_free_day(page, choice, first + timedelta(days=DAYS_SHOWN), zone)
            if later is not None:
                first, days = later, free_days(page, choice, later, zone)
        held = self._held_time(visit)
        day = _selected(days, named)
        may_wait = (
            day is not None
            and not day.starts
            and choice.can_be_held
            and may_become_free(page, choice.offering, choice.providers, [day.date])
        )
        return visit.render(
            "times.html",
            days=days,
            day_address=visit.day_address(first, held[0] if held else None),
            day=day,
            may_wait=may_wait,
            today=today,
            near=near,
            problem=problem or day_problem or first_problem,
            price=visit.price(choice),
            held=held,
            key=new_key(),
            repeats=REPEATS,
            counts=COUNTS,
            **_neighbours(first, today),
        )

    def _held_time(self, visit: SiteRequest) -> tuple[str, m.Appointment] | None:
        """Return the token and the appointment that the visitor holds already, having gone back from the next page."""
        token = request.values.get("held", "")
        try:
            page, appointment_id = self._site.page_of_hold(visit.page.business.slug, token)
            held = _held(page, appointment_id)
        except (ApiError, SchedulingError):
            return None
        return (token, held) if held else None


def customer_of(site: Site, page: PageContext, key: str) -> UUID:
    """Return the id of the person who books: that of the signed-in user, or one that follows from the form's key.

    By a form, a signed-in user becomes a customer of the business.
    """
    user_id = page.signed_in_id
    if user_id is None:
        # Of this business only: the same key is another guest elsewhere.
        own = page.business.business_id.bytes
        return UUID(bytes=blake2b(key.encode(), key=own, digest_size=16).digest(), version=4)
    if not page.is_member() and request.method == "POST":
        site.auth.accounts.join_as_user(page.business, user_id)
    return user_id


def _selected(days: Sequence[FreeDay], named: date | None) -> FreeDay | None:
    if named is not None:
        return next((each for each in days if each.date == named), None)
    return next((each for each in days if each.starts), None)


def _neighbours(first: date, today: date) -> dict[str, Any]:
    earlier = max(first - timedelta(days=DAYS_SHOWN), today)
    return {"earlier": earlier if earlier < first else None, "later": first + timedelta(days=DAYS_SHOWN)}


def _held(page: PageContext, appointment_id: UUID) -> m.Appointment | None:
    found = page.port.get_appointment(page.call_context(), m.GetAppointment(appointment_id=appointment_id))
    return found if found.status == "held" else None


def _hold_request(page: PageContext, choice: Choice, at: datetime) -> m.Hold:
    fields = {
        "offering_id": choice.offering.offering_id,
        "customer_id": page.own_id,
        "starts_at": at,
        "provider_id": choice.provider_id,
        "duration_minutes": choice.minutes,
        "seats": choice.seats,
    }
    return convert(fields, m.Hold)


def _key_of(key: str, at: datetime) -> str:
    """Return the key of a hold: the same form can be used for another time, and submitted twice for the same."""
    return blake2b(f"{key} {at.isoformat()}".encode(), digest_size=18).hexdigest()
