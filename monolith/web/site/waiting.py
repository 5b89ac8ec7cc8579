"""Wait for a time: join the waitlist, see the entry, leave it. Offers arrive by mail, with the link of their hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from werkzeug import Response

from contracts.scheduling import models as m
from monolith.shared.endpoints.decoding import convert, require_key
from monolith.shared.endpoints.errors import ApiError, not_found, require_not_closed
from monolith.shared.localization import N_
from monolith.web.free_times import requested_day
from monolith.web.language import gettext
from monolith.web.page_context import PageContext, new_key
from monolith.web.problem_messages import error_message
from monolith.web.regular_hours import may_become_free
from monolith.web.site.choice import Choice
from monolith.web.site.choosing import customer_of
from monolith.web.site.days import DAYS_SHOWN
from monolith.web.site.ended_links import require_valid
from monolith.web.site.guests import FieldProblem, GuestForm, problems_in
from monolith.web.site.site_request import Site, SiteRequest

PageResponse = str | Response | tuple[str, int]
_LONGEST_DAYS = 60
_NEVER_FREE = N_("The business is not open on these days, or they cannot be booked. Choose other days.")


@dataclass(frozen=True)
class WantedDays:
    """The days of a form. `wrong` describes the problems with them."""

    first: date
    last: date
    wrong: tuple[FieldProblem, ...] = ()

    @property
    def each(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]


class WaitingPages:
    def __init__(self, site: Site) -> None:
        self._site = site

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/b/<slug>/wait", "waitlist", self.waitlist, methods=["GET"])
        pages.add_url_rule("/b/<slug>/wait", "wait", self.wait, methods=["POST"])
        pages.add_url_rule("/waiting", "waiting", self.waiting, methods=["GET"])
        pages.add_url_rule("/waiting", "stop_waiting", self.stop_waiting, methods=["POST"])

    def waitlist(self, slug: str) -> PageResponse:
        visit, choice = self._visit(slug)
        return self._form(visit, choice, _days(visit))

    def wait(self, slug: str) -> PageResponse:
        """Join the waitlist for any start on the chosen days, once for each form."""
        visit, choice = self._visit(slug)
        require_not_closed(visit.page.business)
        key, days = require_key(request.form.get("key")), _days(visit)
        guest = visit.page.signed_in_id is None
        wrong = [*days.wrong, *problems_in(request.form, guest=guest)]
        if wrong:
            return self._form(visit, choice, days, wrong=wrong), 400
        if not may_become_free(visit.page, choice.offering, choice.providers, days.each):
            return self._form(visit, choice, days, wrong=[FieldProblem("first", gettext(_NEVER_FREE))]), 400
        page = visit.page.acting_for(customer_of(self._site, visit.page, key))
        try:
            if guest:
                self._site.guests.register(GuestForm(page.business.business_id, page.own_id, key), request.form)
        except ApiError as error:
            return self._form(visit, choice, days, problem=error_message(error)), error.status
        entry = page.port.join_waitlist(page.call_context(key), _request(page, visit, choice, days))
        token = self._site.links.waiting_token(page.business.business_id, page.own_id, entry.entry_id)
        return redirect(url_for("pages.waiting", token=token), 303)

    def waiting(self) -> PageResponse:
        page, entry_id, token = self._of_link()
        entry = _entry(page, entry_id)
        offerings = page.port.list_offerings(page.call_context(), m.ListOfferings()).offerings
        offer = None
        if entry.status == "offered" and entry.appointment_id is not None:
            business_id = page.business.business_id
            offer = self._site.links.appointment_token(business_id, page.own_id, entry.appointment_id)
        return page.render(
            "site/waiting.html",
            entry=entry,
            name=next((each.name for each in offerings if each.offering_id == entry.offering_id), ""),
            token=token,
            offer=offer,
            key=new_key(),
        )

    def stop_waiting(self) -> PageResponse:
        page, entry_id, token = self._of_link()
        context = page.call_context(require_key(request.form.get("key")))
        page.port.leave_waitlist(context, m.LeaveWaitlist(entry_id=entry_id))
        return redirect(url_for("pages.waiting", token=token), 303)

    def _of_link(self) -> tuple[PageContext, UUID, str]:
        token = request.args.get("token", "")
        subject = self._site.links.waiting(token)
        business = self._site.auth.api.business(subject.business_id) if subject else None
        if subject is None or business is None:
            raise not_found("waiting list entry")
        require_valid(self._site.auth.api, subject)
        return self._site.contexts.of(business).acting_for(subject.customer_id), subject.subject_id, token

    def _visit(self, slug: str) -> tuple[SiteRequest, Choice]:
        """Return the choice of one service. A visit or a series has no waitlist: its times depend on each other."""
        visit = self._site.visit(slug)
        if visit.choice is None or not visit.choice.can_be_held:
            raise ApiError(404, "not_found", N_("There is no waiting list for this choice. Please choose one service."))
        return visit, visit.choice

    def _form(
        self,
        visit: SiteRequest,
        choice: Choice,
        days: WantedDays,
        *,
        problem: str | None = None,
        wrong: Sequence[FieldProblem] = (),
    ) -> str:
        user_id = visit.page.signed_in_id
        return visit.render(
            "wait.html",
            days=days,
            today=visit.zone.today(),
            wrong={each.field: each.message for each in wrong},
            form=request.form,
            user=self._site.auth.api.user(user_id) if user_id else None,
            price=visit.price(choice),
            key=request.form.get("key") or new_key(),
            problem=problem,
        )


def _days(visit: SiteRequest) -> WantedDays:
    """Return the days of the form or of the address; without any, the next two weeks."""
    today, values = visit.zone.today(), request.values
    first, wrong_first = requested_day(values.get("first"), today)
    last, wrong_last = requested_day(values.get("last"), today)
    wrong = [FieldProblem(name, text) for name, text in (("first", wrong_first), ("last", wrong_last)) if text]
    start = first or today
    end = last or start + timedelta(days=DAYS_SHOWN - 1)
    if not 0 <= (end - start).days <= _LONGEST_DAYS:
        text = gettext("The last day must be at most %(days)d days after the first.", days=_LONGEST_DAYS)
        wrong.append(FieldProblem("last", text))
        end = start
    return WantedDays(start, end, tuple(wrong))


def _request(page: PageContext, visit: SiteRequest, choice: Choice, days: WantedDays) -> m.JoinWaitlist:
    start, end = (
        datetime.combine(each, time(), visit.zone.info).astimezone(UTC)
        for each in (days.first, days.last + timedelta(days=1))
    )
    fields = {
        "offering_id": choice.offering.offering_id,
        "customer_id": page.own_id,
        "start": start,
        "end": end,
        "provider_id": choice.provider_id,
        "seats": choice.seats,
    }
    return convert(fields, m.JoinWaitlist)


def _entry(page: PageContext, entry_id: UUID) -> m.WaitlistEntry:
    entries = page.port.list_waitlist(page.call_context(), m.ListWaitlist(limit=200)).entries
    found = next((each for each in entries if each.entry_id == entry_id), None)
    if found is None:
        raise not_found("waiting list entry")
    return found
