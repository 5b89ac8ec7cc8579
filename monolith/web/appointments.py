"""The pages on which a person sees what they have booked, confirms an offer, moves or cancels."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, request, url_for
from werkzeug import Response

from contracts.scheduling import codec
from contracts.scheduling import models as m
from contracts.scheduling import operations as ops
from contracts.scheduling.errors import Conflict
from contracts.scheduling.operations import Operation
from monolith.modules.billing.api import BillingApi, InvoicesQuery, fee_of
from monolith.web.terms import Terms, of_cancelling, of_moving
from monolith.web.times import day_asked, free_slots, today_at
from monolith.web.viewing import money
from monolith.web.visiting import Visit, Visits, new_key

_PAGE = 20
_ONE = "/b/<slug>/appointments/<uuid:appointment_id>"

Answer = str | Response | tuple[str, int]


class AppointmentPages:
    """Speaks to scheduling through the port, like every other client."""

    def __init__(self, visits: Visits, billing: BillingApi) -> None:
        self._visits = visits
        self._billing = billing

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/b/<slug>/appointments", "appointments", self.appointments)
        pages.add_url_rule("/b/<slug>/waiting/<uuid:entry_id>/leave", "leave", self.leave, methods=["POST"])
        pages.add_url_rule(_ONE, "appointment", self.appointment)
        pages.add_url_rule(_ONE + "/confirm", "confirm_hold", self.confirm_hold, methods=["POST"])
        pages.add_url_rule(_ONE + "/cancel", "cancel", self.cancel, methods=["POST"])
        pages.add_url_rule(_ONE + "/move", "other_times", self.other_times, methods=["GET"])
        pages.add_url_rule(_ONE + "/move", "move", self.move, methods=["POST"])
        pages.add_url_rule("/b/<slug>/invoices", "invoices", self.invoices)

    def appointments(self, slug: str) -> str | Response:
        visit = self._visits.of(slug)
        if not visit.is_member():
            return visit.to_sign_in()
        wanted = {"customer_id": visit.who().user_id, "limit": _PAGE, "cursor": request.args.get("cursor") or None}
        page = visit.port.list_appointments(visit.context(), codec.convert(wanted, m.ListAppointments))
        return visit.render(
            "appointments.html",
            appointments=page.appointments,
            next_cursor=page.next_cursor,
            waiting=_waiting(visit),
            key=new_key(),
        )

    def leave(self, slug: str, entry_id: UUID) -> Answer:
        visit = self._visits.of(slug)
        if not visit.is_member():
            return visit.to_sign_in()
        visit.port.leave_waitlist(visit.context(_form_key()), m.LeaveWaitlist(entry_id=entry_id))
        return redirect(url_for("pages.appointments", slug=slug), 303)

    def appointment(self, slug: str, appointment_id: UUID) -> str | Response:
        visit = self._visits.of(slug)
        if not visit.is_member():
            return visit.to_sign_in()
        return self._shown(visit, appointment_id)

    def confirm_hold(self, slug: str, appointment_id: UUID) -> Answer:
        return self._changed(slug, appointment_id, ops.CONFIRM)

    def cancel(self, slug: str, appointment_id: UUID) -> Answer:
        return self._changed(slug, appointment_id, ops.CANCEL)

    def other_times(self, slug: str, appointment_id: UUID) -> str | Response:
        visit = self._visits.of(slug)
        if not visit.is_member():
            return visit.to_sign_in()
        return self._moving(visit, appointment_id)

    def move(self, slug: str, appointment_id: UUID) -> Answer:
        visit = self._visits.of(slug)
        if not visit.is_member():
            return visit.to_sign_in()
        given = {"starts_at": request.form.get("at", ""), "expected_version": request.form.get("version", "")}
        wanted = codec.typed_query(given | {"appointment_id": str(appointment_id)}, m.Reschedule)
        try:
            visit.port.reschedule(visit.context(_form_key()), codec.convert(wanted, m.Reschedule))
        except Conflict as error:
            return self._moving(visit, appointment_id, problem=error.message), 409
        return redirect(url_for("pages.appointment", slug=slug, appointment_id=appointment_id), 303)

    def invoices(self, slug: str) -> str | Response:
        visit = self._visits.of(slug)
        if not visit.is_member():
            return visit.to_sign_in()
        wanted = InvoicesQuery(customer_id=visit.who().user_id, cursor=request.args.get("cursor") or None, limit=_PAGE)
        page = self._billing.invoices(visit.business.business_id, wanted)
        return visit.render("invoices.html", invoices=page.invoices, next_cursor=page.next_cursor)

    def _changed(self, slug: str, appointment_id: UUID, operation: Operation[Any, m.Appointment]) -> Answer:
        """What a button of the appointment's page does; a refusal is told on that page."""
        visit = self._visits.of(slug)
        if not visit.is_member():
            return visit.to_sign_in()
        given = {"appointment_id": str(appointment_id)}
        if "version" in request.form:
            given["expected_version"] = request.form["version"]
        wanted = codec.convert(codec.typed_query(given, operation.request), operation.request)
        try:
            visit.port.call(operation, visit.context(_form_key()), wanted)
        except Conflict as error:
            return self._shown(visit, appointment_id, problem=error.message), 409
        return redirect(url_for("pages.appointment", slug=slug, appointment_id=appointment_id), 303)

    def _shown(self, visit: Visit, appointment_id: UUID, problem: str | None = None) -> str:
        found = _appointment(visit, appointment_id)
        ahead = found.status in ("held", "pending", "booked") and found.starts_at > datetime.now(UTC)
        offering = _offering(visit, found) if ahead else None
        cancelling = of_cancelling(offering, found.starts_at) if offering else Terms()
        return visit.render(
            "appointment.html",
            a=found,
            ahead=ahead,
            cancelling=cancelling,
            moving=of_moving(offering, found) if offering else Terms(refused=True),
            fee=self._fee(visit, found, cancelling.fee_percent if ahead else found.fee_percent),
            key=new_key(),
            problem=problem,
        )

    def _moving(self, visit: Visit, appointment_id: UUID, problem: str | None = None) -> str:
        found = _appointment(visit, appointment_id)
        offering, today = _offering(visit, found), today_at(visit)
        its_day = found.starts_at.astimezone(ZoneInfo(visit.business.zone)).date()
        day = day_asked(request.args.get("day"), today) or max(its_day, today)
        terms = of_moving(offering, found) if offering else Terms(refused=True)
        return visit.render(
            "move.html",
            a=found,
            day=day,
            today=today,
            day_before=day - timedelta(days=1),
            day_after=day + timedelta(days=1),
            slots=_others(visit, offering, found, day) if offering else (),
            chosen=_chosen_time(),
            moving=terms,
            fee=self._fee(visit, found, terms.fee_percent),
            key=new_key(),
            problem=problem,
        )

    def _fee(self, visit: Visit, of: m.Appointment, percent: int) -> str:
        """`12.50 EUR`, or nothing if nothing is due. Before there is an invoice, by the price in force."""
        if not percent or of.status in ("held", "pending"):
            return ""
        business_id = visit.business.business_id
        invoices = self._billing.invoices(business_id, InvoicesQuery(appointment_id=of.appointment_id)).invoices
        prices = self._billing.prices(business_id).prices
        charged = [(each.total_minor, each.currency) for each in invoices if each.subject == "appointment"]
        expected = [(p.amount_minor * of.seats, p.currency) for p in prices if p.offering_id == of.offering_id]
        for total, currency in (charged or expected)[:1]:
            fee = fee_of(total, percent)
            return money(fee, currency) if fee else ""
        return ""


def _appointment(visit: Visit, appointment_id: UUID) -> m.Appointment:
    return visit.port.get_appointment(visit.context(), m.GetAppointment(appointment_id=appointment_id))


def _offering(visit: Visit, of: m.Appointment) -> m.Offering | None:
    offerings = visit.port.list_offerings(visit.context(), m.ListOfferings()).offerings
    return next((each for each in offerings if each.offering_id == of.offering_id), None)


def _others(visit: Visit, offering: m.Offering, of: m.Appointment, day: date) -> tuple[m.Slot, ...]:
    """With the same people, for as long and as many."""
    minutes = int((of.ends_at - of.starts_at).total_seconds() // 60)
    return free_slots(
        visit,
        offering,
        day,
        provider_id=None if of.provider_ids else of.provider_id,
        duration_minutes=minutes if minutes in offering.duration_choices_minutes else None,
        seats=of.seats,
    )


def _chosen_time() -> datetime | None:
    try:
        at = datetime.fromisoformat(request.values.get("at", ""))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def _waiting(visit: Visit) -> list[tuple[m.WaitlistEntry, str]]:
    """What the person waits for, with the names of the services."""
    page = visit.port.list_waitlist(visit.context(), m.ListWaitlist(limit=200))
    own = [e for e in page.entries if e.customer_id == visit.who().user_id and e.status in ("waiting", "offered")]
    if not own:
        return []
    names = {o.offering_id: o.name for o in visit.port.list_offerings(visit.context(), m.ListOfferings()).offerings}
    return [(entry, names.get(entry.offering_id, "")) for entry in own]


def _form_key() -> str:
    return codec.require_key(request.form.get("key"))
