"""The waitlist: who waits for a time, and for which."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from flask import Blueprint, request, url_for
from msgspec.structs import replace

from contracts.scheduling import models as m
from monolith.modules.auth.customer_models import Customer
from monolith.shared.endpoints.decoding import convert
from monolith.shared.endpoints.errors import invalid_request, require_not_closed
from monolith.shared.localization import N_
from monolith.web.free_times import day_window, local_today
from monolith.web.office.customer_choice import CustomerChoice
from monolith.web.office.staff_pages import (
    Office,
    PageResponse,
    already_submitted,
    attempt,
    form_key,
    number_of,
    read_catalog,
    render,
    to,
)
from monolith.web.page_context import PageContext

_MOST = 500


class WaitlistPages:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._customers = CustomerChoice(office)

    def add_to(self, pages: Blueprint) -> None:
        self._office.add(pages, "/waitlist", "waitlist", self.waitlist)
        self._office.add(pages, "/waitlist", "join_waitlist", self.join, ("POST",))
        self._office.add(pages, "/waitlist/<uuid:entry_id>/leave", "leave_waitlist", self.leave, ("POST",))

    def waitlist(self, page: PageContext) -> PageResponse:
        return self._render(page, request.args)

    def join(self, page: PageContext) -> PageResponse:
        """Add a customer to the waitlist; a time that is free becomes an offer at once."""

        form = dict(request.form)

        def action() -> PageResponse:
            require_not_closed(page.business)
            start, end = _window(page)
            matches = self._customers.matches(page)
            if matches:
                return self._render(page, form, matches=matches)
            # If the entry is refused, the form is shown again for this customer.
            form["customer"] = str(self._customers.chosen(page))
            fields = {
                "offering_id": form.get("offering", ""),
                "provider_id": form.get("provider") or None,
                "customer_id": form["customer"],
                "seats": number_of("seats") or 1,
            }
            wanted = convert(fields | {"start": start, "end": end}, m.JoinWaitlist)
            entry = page.port.join_waitlist(page.call_context(form_key()), wanted)
            return to(page, "waitlist", "offered" if entry.status == "offered" else "added")

        return attempt(action, lambda problem: self._render(page, form, problem))

    def leave(self, page: PageContext, entry_id: UUID) -> PageResponse:
        def action() -> PageResponse:
            page.port.leave_waitlist(page.call_context(form_key()), m.LeaveWaitlist(entry_id=entry_id))
            return to(page, "waitlist", "removed")

        return attempt(action, lambda problem: self._render(page, {}, problem))

    def _render(
        self, page: PageContext, form: Mapping[str, str], problem: str | None = None, matches: Sequence[Customer] = ()
    ) -> str:
        catalog = read_catalog(page)
        entries = [*_entries(page, "offered"), *_entries(page, "waiting")]
        business_id = page.business.business_id
        return render(
            page,
            "waitlist.html",
            section="waitlist",
            entries=entries,
            catalog=catalog,
            names=self._office.auth.api.customer_names(business_id, {each.customer_id for each in entries}),
            today=local_today(page),
            matches=matches,
            form=form,
            form_key=None if already_submitted(problem) else form.get("key"),
            here=url_for("office.waitlist", slug=page.business.slug),
            problem=problem,
            **self._customers.shown(page, form),
        )


def _entries(page: PageContext, status: m.WaitlistStatus) -> list[m.WaitlistEntry]:
    wanted, found = m.ListWaitlist(status=status, limit=200), list[m.WaitlistEntry]()
    while True:
        reply = page.port.list_waitlist(page.call_context(), wanted)
        found += reply.entries
        if reply.next_cursor is None or len(found) >= _MOST:
            return found
        wanted = replace(wanted, cursor=reply.next_cursor)


def _window(page: PageContext) -> tuple[datetime, datetime]:
    """Return the interval of the days in the form, from now on. Raises ApiError 400."""
    form = request.form
    try:
        first = date.fromisoformat(form.get("first", ""))
        last = date.fromisoformat(form.get("last", "") or form.get("first", ""))
    except ValueError:
        raise invalid_request(N_("Please enter at least a first day.")) from None
    start, _ = day_window(page, first)
    _, end = day_window(page, last)
    now = datetime.now(UTC) + timedelta(minutes=1)
    return max(start, now.replace(second=0, microsecond=0)), end
