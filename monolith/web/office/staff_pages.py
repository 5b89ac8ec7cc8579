"""Common parts of the pages of the back office: access, rejected forms, confirmation messages, the catalog."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, request, url_for
from werkzeug import Response

from contracts.scheduling import models as m
from contracts.scheduling.errors import SchedulingError
from monolith.modules.auth.module import Auth
from monolith.modules.billing.api import BillingApi
from monolith.modules.calendars.module import Calendars
from monolith.modules.notifications.api import NotificationsApi, Webhooks
from monolith.shared.endpoints.decoding import require_key
from monolith.shared.endpoints.errors import ApiError, forbidden, invalid_request
from monolith.shared.localization import N_, SOURCE
from monolith.web.catalog import Catalog as Catalog
from monolith.web.catalog import id_in as id_in
from monolith.web.catalog import read_catalog as read_catalog
from monolith.web.language import gettext, is_translated, language
from monolith.web.office.labels import field_name, limit_message
from monolith.web.page_context import PageContext, PageContextFactory, new_key
from monolith.web.problem_messages import error_message

PageResponse = str | Response | tuple[str, int]
View = Callable[..., PageResponse]

DONE = {
    "booked": N_("Booked."),
    "booked-some": N_("Booked, except for the times that are taken."),
    "moved": N_("Moved."),
    "saved": N_("Saved."),
    "added": N_("Added."),
    "offered": N_("A time is free: it is held for the customer, who is asked by e-mail to confirm it."),
    "removed": N_("Removed."),
    "imported": N_("Added. The calendar is read within seconds; reload this page to see the result."),
    "refreshed": N_("The calendar is read again within a minute."),
    "revoked": N_("Revoked. The address no longer works."),
    "confirmed": N_("Confirmed. The customer is notified by e-mail."),
    "extended": N_("Held longer."),
    "approved": N_("Approved. The customer is notified by e-mail."),
    "declined": N_("Declined. The customer is notified by e-mail."),
    "cancelled": N_("Cancelled."),
    "completed": N_("Marked as completed."),
    "no-show": N_("Marked as a no-show."),
    "paid": N_("Payment recorded."),
    "replayed": N_("Delivered again within seconds; reload this page to see the result."),
    "tested": N_("The test is sent within seconds; reload this page to see the result."),
    "enabled": N_("Enabled."),
    "closed": N_("The business takes no new bookings."),
    "reopened": N_("The business takes new bookings again."),
}
"""Confirmation messages at the top of a page, by the value of the parameter `done`."""


@dataclass(frozen=True)
class Office:
    """The services that the pages use."""

    contexts: PageContextFactory
    auth: Auth
    billing: BillingApi
    notifications: NotificationsApi
    webhooks: Webhooks
    calendars: Calendars

    def add(
        self,
        pages: Blueprint,
        rule: str,
        name: str,
        view: View,
        methods: tuple[str, ...] = ("GET",),
        *,
        owner: bool = False,
        changes: bool = False,
    ) -> None:
        """Add a page at `/office/<slug>` and `rule` for staff, or for owners only.

        Readers may open what is a GET, unless it `changes` something: unless its only purpose is such a form.
        """

        def page(slug: str, **path: Any) -> PageResponse:
            context = self.contexts.for_business(slug)
            if context.principal is None:
                back = request.full_path.rstrip("?") if request.method == "GET" else url_for("office.today", slug=slug)
                return redirect(url_for("pages.sign_in_anywhere", next=back), 303)
            _require_access(context, writes=changes or request.method != "GET", owner=owner)
            return view(context, **path)

        pages.add_url_rule(f"/<slug>{rule}", name, page, methods=list(methods))


def _require_access(context: PageContext, *, writes: bool, owner: bool) -> None:
    if not context.sees_office():
        raise forbidden(_NOT_STAFF)
    if owner and not context.is_owner():
        raise forbidden(N_("Only the owner of this business may do this."))
    if writes and not context.is_staff():
        raise forbidden(N_("You can see everything here, but change nothing. Ask an owner for the role of staff."))


_ALREADY_SUBMITTED = N_(
    "This form was submitted before with other values. Check the values below, and submit it again."
)
_NOT_STAFF = N_("This is the back office of a business. Only its staff may open it.")


def render(page: PageContext, template: str, *, section: str, **values: Any) -> str:
    """Render a page; `section` is the entry of the menu that it belongs to."""
    done = DONE.get(request.args.get("done", ""))
    return page.render(
        f"office/{template}",
        section=section,
        done=gettext(done) if done else None,
        key=new_key(),
        is_owner=page.is_owner(),
        may_change=page.is_staff(),
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
        return gettext(_ALREADY_SUBMITTED)
    field = getattr(error, "field", None)
    message = error_message(error).replace("`", "")
    if error.code != "invalid_request" or field is None:
        return message
    name = str(field).removeprefix("policy.").partition(".")[0].partition("[")[0]
    label = field_name(name)
    shown = label or name.removesuffix("_id").replace("_", " ")
    if limited := limit_message(error.message, shown):
        return limited
    if language() == SOURCE:
        return f"Please check “{shown}”: {message[0].lower()}{message[1:]}"
    if label is None or is_translated(error.message):
        return message
    return gettext("Please check “%(field)s”.", field=label)


def already_submitted(problem: str | None) -> bool:
    """Return whether this is the message for a form that needs a new key."""
    return problem == gettext(_ALREADY_SUBMITTED)


def form_key() -> str:
    return require_key(request.form.get("key"))


def text_of(name: str) -> str:
    """Return a form field on one line, without surrounding spaces."""
    return " ".join(request.form.get(name, "").split())


def number_of(name: str) -> int | str | None:
    """Return a form field as a number; None if it is empty. Anything else stays text, so that the model refuses it."""
    text = text_of(name)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text or None


def chosen_time(page: PageContext, form: Mapping[str, str]) -> datetime:
    """Return the instant of the fields `date` and `time`, in the zone of the business. Raises ApiError 400."""
    try:
        local = datetime.combine(date.fromisoformat(form.get("date", "")), time.fromisoformat(form.get("time", "")))
    except ValueError:
        raise invalid_request(N_("Please enter a date and a time.")) from None
    return local.replace(tzinfo=ZoneInfo(page.business.zone)).astimezone(UTC)


def override_fields() -> dict[str, Any]:
    """Return how the form books a time that is not offered. Raises ApiError 400 without a reason."""
    form, reason = request.form, text_of("reason")
    fields = {"overbook": "overbook" in form, "override": "override" in form, "reason": reason}
    if (fields["overbook"] or fields["override"]) and not reason:
        raise invalid_request(N_("Please enter a reason for a time that is not offered. It is kept in the history."))
    return fields


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
