"""The addresses of private calendar feeds, and the page on which people create feeds of their own appointments."""

from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug import Response

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import Trace
from monolith.modules.auth.module import Auth
from monolith.modules.calendars.api import CreateFeed, Feeds, NewFeed
from monolith.shared.endpoints import ApiError
from monolith.shared.endpoints.decoding import convert
from monolith.shared.middleware import current_request_context
from monolith.web.forms import Page, form_fields, user_message
from monolith.web.page_context import PageContextFactory

_CALENDARS = "/account/calendars"


class CalendarFeedPages:
    def __init__(self, contexts: PageContextFactory, auth: Auth, feeds: Feeds) -> None:
        self._contexts = contexts
        self._auth = auth
        self._feeds = feeds

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/calendar.ics", "calendar_feed", self.calendar)
        pages.add_url_rule("/free-busy.ifb", "free_busy_feed", self.free_busy)
        pages.add_url_rule(_CALENDARS, "own_calendars", self.own)
        pages.add_url_rule(_CALENDARS, "create_own_calendar", self.create, methods=["POST"])
        pages.add_url_rule(f"{_CALENDARS}/revoke", "revoke_own_calendar", self.revoke, methods=["POST"])

    def calendar(self) -> Response:
        """Send the calendar of a feed. The secret is in the query, because access logs contain paths only."""
        return _calendar_file(self._feeds.calendar, "calendar.ics")

    def free_busy(self) -> Response:
        return _calendar_file(self._feeds.free_busy, "free-busy.ifb")

    def own(self) -> Page:
        principal = self._contexts.principal()
        if principal is None or principal.session_id is None:
            return redirect(url_for("pages.sign_in_anywhere", next=url_for("pages.own_calendars")), 303)
        return self._render()

    def create(self) -> Page:
        """Create a feed, and show its address once, in the answer to the form."""
        self._contexts.require_session()
        page = self._contexts.for_business(request.form.get("business", ""))
        try:
            wanted = convert(form_fields("name", "detail"), CreateFeed)
            created = self._feeds.create(page.business, page.require_principal(), wanted)
        except ApiError as error:
            return self._render(user_message(error)), error.status
        return self._render(created=created)

    def revoke(self) -> Response:
        self._contexts.require_session()
        page = self._contexts.for_business(request.form.get("business", ""))
        self._feeds.revoke(page.business, page.require_principal(), _id(request.form.get("feed", "")))
        return redirect(url_for("pages.own_calendars"), 303)

    def _render(self, problem: str | None = None, created: NewFeed | None = None) -> str:
        user_id, _ = self._contexts.require_session()
        principal = self._contexts.principal()
        businesses = [business for business, _ in self._auth.api.memberships(user_id)]
        own = [
            (business, [each for each in self._feeds.visible(business, principal) if each.provider_id is None])
            for business in businesses
            if principal is not None
        ]
        return render_template(
            "calendar_feeds.html", business=None, person=principal, feeds=own, created=created, problem=problem
        )


def _calendar_file(read: Callable[[str, Trace, Deadline], bytes], name: str) -> Response:
    context = current_request_context()
    response = make_response(read(request.args.get("token", ""), context.trace, context.deadline))
    response.headers["Content-Type"] = "text/calendar; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
