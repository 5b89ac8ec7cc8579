"""The e-mails about appointments: what was sent to customers, and what failed."""

from collections.abc import Mapping

from flask import Blueprint, request

from monolith.modules.notifications.api import Kind, State
from monolith.shared.localization import N_
from monolith.web.office.staff_pages import Office, PageResponse, attempt, render
from monolith.web.page_context import PageContext

_PER_PAGE = 50
KINDS: Mapping[Kind, str] = {
    "confirmation": N_("Booked"),
    "change": N_("Moved"),
    "cancellation": N_("Cancelled"),
    "reminder": N_("Reminder"),
    "request": N_("Request received"),
    "decline": N_("Request declined"),
    "offer": N_("Offer from the waitlist"),
    "no_show": N_("Missed appointment"),
    "business_booking": N_("To the business: booked"),
    "business_request": N_("To the business: request"),
    "business_change": N_("To the business: moved"),
    "business_cancellation": N_("To the business: cancelled"),
}
STATES: Mapping[State, str] = {
    "pending": N_("Waiting"),
    "sent": N_("Sent"),
    "failed": N_("Not delivered"),
    "held": N_("Waits until the address is confirmed"),
}


class MailPages:
    def __init__(self, office: Office) -> None:
        self._office = office

    def add_to(self, pages: Blueprint) -> None:
        self._office.add(pages, "/mails", "mails", self.mails)

    def mails(self, page: PageContext) -> PageResponse:
        cursor = request.args.get("cursor")
        return attempt(lambda: self._render(page, cursor), lambda problem: self._render(page, None, problem))

    def _render(self, page: PageContext, cursor: str | None, problem: str | None = None) -> str:
        business_id = page.business.business_id
        found = self._office.notifications.messages(business_id, cursor, _PER_PAGE)
        return render(
            page,
            "mails.html",
            section="settings",
            mails=found.messages,
            next_cursor=found.next_cursor,
            names=self._office.auth.api.customer_names(business_id, {each.user_id for each in found.messages}),
            kinds=KINDS,
            states=STATES,
            problem=problem,
        )
