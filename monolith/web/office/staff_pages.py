"""Common parts of the pages of the back office: access, rejected forms, confirmation messages, the catalog."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from werkzeug import Response

from contracts.scheduling import models as m
from contracts.scheduling.errors import SchedulingError
from monolith.modules.auth.module import Auth
from monolith.modules.billing.api import BillingApi
from monolith.modules.calendars.api import Feeds
from monolith.modules.notifications.api import NotificationsApi
from monolith.shared.endpoints.decoding import require_key
from monolith.shared.endpoints.errors import ApiError, forbidden
from monolith.web.page_context import PageContext, PageContextFactory, new_key

PageResponse = str | Response | tuple[str, int]
View = Callable[..., PageResponse]

DONE = {
    "booked": "Booked.",
    "moved": "Moved.",
    "saved": "Saved.",
    "added": "Added.",
    "removed": "Removed.",
    "revoked": "Revoked. The address no longer works.",
    "approved": "Approved. The customer is notified by e-mail.",
    "declined": "Declined. The customer is notified by e-mail.",
    "cancelled": "Cancelled.",
    "completed": "Marked as completed.",
    "no-show": "Marked as a no-show.",
    "paid": "Payment recorded.",
    "closed": "The business takes no new bookings.",
    "reopened": "The business takes new bookings again.",
}
"""Confirmation messages at the top of a page, by the value of the parameter `done`."""


@dataclass(frozen=True)
class Office:
    """The services that the pages use."""

    contexts: PageContextFactory
    auth: Auth
    billing: BillingApi
    notifications: NotificationsApi
    feeds: Feeds

    def add(
        self,
        pages: Blueprint,
        rule: str,
        name: str,
        view: View,
        methods: tuple[str, ...] = ("GET",),
        *,
        owner: bool = False,
    ) -> None:
        """Add a page at `/office/<slug>` and `rule` for staff, or for owners only."""

        def page(slug: str, **path: Any) -> PageResponse:
            context = self.contexts.for_business(slug)
            if context.principal is None:
                back = request.full_path.rstrip("?") if request.method == "GET" else url_for("office.today", slug=slug)
                return redirect(url_for("pages.sign_in_anywhere", next=back), 303)
            if not context.is_staff() or (owner and not context.is_owner()):
                raise forbidden("Only the owner of this business may do this." if owner else _NOT_STAFF)
            return view(context, **path)

        pages.add_url_rule(f"/<slug>{rule}", name, page, methods=list(methods))


ALREADY_SUBMITTED = "This form was submitted before with other values. Check the values below, and submit it again."
_NOT_STAFF = "This is the back office of a business. Only its staff may open it."


def render(page: PageContext, template: str, *, section: str, **values: Any) -> str:
    """Render a page; `section` is the entry of the menu that it belongs to."""
    return page.render(
        f"office/{template}",
        section=section,
        done=DONE.get(request.args.get("done", "")),
        key=new_key(),
        is_owner=page.is_owner(),
        **values,
    )


def to(page: PageContext, endpoint: str, done: str | None = None, **path: Any) -> Response:
    """Redirect to another page after a form; `done` selects its confirmation message."""
    return redirect(url_for(f"office.{endpoint}", slug=page.business.slug, done=done, **path), 303)


def attempt(action: Callable[[], PageResponse], again: Callable[[str], str]) -> PageResponse:
    """Perform the action of a form. If it is rejected, show the form again with the reason.

    An unknown outcome or a failure of the system reaches the error page.
    """
    try:
        return action()
    except (ApiError, SchedulingError) as error:
        if error.status >= 500:
            raise
        return again(refusal(error)), error.status


def refusal(error: ApiError | SchedulingError) -> str:
    """Return the message for a rejected form."""
    if error.code == "idempotency_key_reused":
        return ALREADY_SUBMITTED
    field = getattr(error, "field", None)
    message = error.message.replace("`", "")
    if error.code != "invalid_request" or field is None:
        return message
    label = str(field).partition(".")[0].partition("[")[0].removesuffix("_id").replace("_", " ")
    return f"Please check “{label}”: {message[0].lower()}{message[1:]}"


def form_key() -> str:
    return require_key(request.form.get("key"))


def text_of(name: str) -> str:
    """Return a form field on one line, without surrounding spaces."""
    return " ".join(request.form.get(name, "").split())


def number_of(name: str) -> int | str | None:
    """Return a form field as a number; None if it is empty. Anything else stays text, so that the model refuses it."""
    text = text_of(name)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text or None


@dataclass(frozen=True)
class Catalog:
    """The services and providers of a business, sorted by name."""

    offerings: tuple[m.Offering, ...]
    providers: tuple[m.Provider, ...]

    def offering(self, offering_id: UUID | None) -> m.Offering | None:
        return next((each for each in self.offerings if each.offering_id == offering_id), None)

    def provider(self, provider_id: UUID | None) -> m.Provider | None:
        return next((each for each in self.providers if each.provider_id == provider_id), None)

    @property
    def active_offerings(self) -> list[m.Offering]:
        return [each for each in self.offerings if each.active]

    @property
    def active_providers(self) -> list[m.Provider]:
        return [each for each in self.providers if each.active]


def read_catalog(page: PageContext) -> Catalog:
    context, port = page.call_context(), page.port
    return Catalog(
        port.list_offerings(context, m.ListOfferings()).offerings,
        port.list_providers(context, m.ListProviders()).providers,
    )


def id_in(values: Any, name: str) -> UUID | None:
    """Return the id in a form or query; None if it is missing or malformed."""
    try:
        return UUID(values.get(name, ""))
    except ValueError:
        return None


def read_all(page: PageContext, request: m.ListAppointments, most: int = 1000) -> list[m.Appointment]:
    """Return all pages of a list, up to about `most` appointments."""
    found: list[m.Appointment] = []
    cursor = None
    while True:
        fields = {name: getattr(request, name) for name in request.__struct_fields__} | {"limit": 200, "cursor": cursor}
        reply = page.port.list_appointments(page.call_context(), m.ListAppointments(**fields))
        found += reply.appointments
        cursor = reply.next_cursor
        if cursor is None or len(found) >= most:
            return found
