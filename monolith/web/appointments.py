"""Pages that list the appointments, waitlist entries and invoices of a signed-in customer."""

from datetime import UTC, datetime
from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from werkzeug import Response

from contracts.scheduling import models as m
from monolith.modules.billing.api import BillingApi, InvoicesQuery
from monolith.shared.endpoints.decoding import convert, require_key
from monolith.web.page_context import PageContext, PageContextFactory, new_key

_PAGE_SIZE = 20


class AppointmentPages:
    """Handlers of the pages; they use scheduling through the port only."""

    def __init__(self, contexts: PageContextFactory, billing: BillingApi) -> None:
        self._contexts = contexts
        self._billing = billing

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/b/<slug>/appointments", "appointments", self.appointments)
        pages.add_url_rule("/b/<slug>/waiting/<uuid:entry_id>/leave", "leave", self.leave, methods=["POST"])
        pages.add_url_rule("/b/<slug>/invoices", "invoices", self.invoices)

    def appointments(self, slug: str) -> str | Response:
        page = self._contexts.for_business(slug)
        if not page.is_member():
            return page.to_sign_in()
        customer_id, cursor = page.require_principal().user_id, request.args.get("cursor") or None
        earlier, now = "earlier" in request.args, datetime.now(UTC)
        fields = {"customer_id": customer_id, "limit": _PAGE_SIZE, "cursor": cursor, "end" if earlier else "start": now}
        found = page.port.list_appointments(page.call_context(), convert(fields, m.ListAppointments))
        return page.render(
            "appointments.html",
            appointments=found.appointments,
            next_cursor=found.next_cursor,
            earlier=earlier,
            waiting=[] if earlier else _open_waitlist_entries(page),
            key=new_key(),
        )

    def leave(self, slug: str, entry_id: UUID) -> Response:
        page = self._contexts.for_business(slug)
        if not page.is_member():
            return page.to_sign_in()
        context = page.call_context(require_key(request.form.get("key")))
        page.port.leave_waitlist(context, m.LeaveWaitlist(entry_id=entry_id))
        return redirect(url_for("pages.appointments", slug=slug), 303)

    def invoices(self, slug: str) -> str | Response:
        page = self._contexts.for_business(slug)
        if not page.is_member():
            return page.to_sign_in()
        customer_id, cursor = page.require_principal().user_id, request.args.get("cursor") or None
        query = InvoicesQuery(customer_id=customer_id, cursor=cursor, limit=_PAGE_SIZE)
        found = self._billing.invoices(page.business.business_id, query)
        return page.render("invoices.html", invoices=found.invoices, next_cursor=found.next_cursor)


def _open_waitlist_entries(page: PageContext) -> list[tuple[m.WaitlistEntry, str]]:
    """Return the customer's open waitlist entries with the names of their services."""
    customer_id = page.require_principal().user_id
    entries = page.port.list_waitlist(page.call_context(), m.ListWaitlist(limit=200)).entries
    own = [e for e in entries if e.customer_id == customer_id and e.status in ("waiting", "offered")]
    if not own:
        return []
    names = {o.offering_id: o.name for o in page.port.list_offerings(page.call_context(), m.ListOfferings()).offerings}
    return [(entry, names.get(entry.offering_id, "")) for entry in own]
