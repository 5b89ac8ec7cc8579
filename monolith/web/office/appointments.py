"""One appointment and its history, what staff can do with it, and the requests that wait for approval."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, request

from contracts.chassis.decoding import typed_query
from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.port import SchedulingPort
from monolith.modules.billing.api import InvoicesQuery
from monolith.shared.endpoints.decoding import convert
from monolith.web.language import gettext
from monolith.web.office.staff_pages import Office, PageResponse, attempt, form_key, read_all, render, text_of, to
from monolith.web.page_context import PageContext

_APPOINTMENT = "/appointments/<uuid:appointment_id>"
Run = Callable[[SchedulingPort, CallContext, Any], object]

_ACTIONS: dict[str, tuple[type[m.Request], Run, str]] = {
    "approve": (m.Approve, lambda port, ctx, wanted: port.approve(ctx, wanted), "approved"),
    "decline": (m.Decline, lambda port, ctx, wanted: port.decline(ctx, wanted), "declined"),
    "cancel": (m.Cancel, lambda port, ctx, wanted: port.cancel(ctx, wanted), "cancelled"),
    "confirm": (m.Confirm, lambda port, ctx, wanted: port.confirm(ctx, wanted), "confirmed"),
    "extend": (m.ExtendHold, lambda port, ctx, wanted: port.extend_hold(ctx, wanted), "extended"),
    "complete": (m.Complete, lambda port, ctx, wanted: port.complete(ctx, wanted), "completed"),
    "no-show": (m.MarkNoShow, lambda port, ctx, wanted: port.mark_no_show(ctx, wanted), "no-show"),
}


class StaffAppointmentPages:
    def __init__(self, office: Office) -> None:
        self._office = office

    def add_to(self, pages: Blueprint) -> None:
        self._office.add(pages, "/requests", "requests", self.requests)
        self._office.add(pages, _APPOINTMENT, "appointment", self.appointment)
        self._office.add(pages, _APPOINTMENT + "/cancel", "ask_to_cancel", self.ask_to_cancel, changes=True)
        self._office.add(pages, _APPOINTMENT + "/<action>", "act", self.act, ("POST",))

    def requests(self, page: PageContext) -> PageResponse:
        now = datetime.now(UTC)
        wanted = m.ListAppointments(status="pending", start=now - timedelta(days=1))
        pending = read_all(page, wanted)
        names = self._office.auth.api.customer_names(page.business.business_id, {a.customer_id for a in pending})
        return render(page, "requests.html", section="requests", pending=pending, names=names)

    def appointment(self, page: PageContext, appointment_id: UUID) -> PageResponse:
        return self._render(page, appointment_id)

    def ask_to_cancel(self, page: PageContext, appointment_id: UUID) -> PageResponse:
        """Show what is cancelled, and ask for a reason, before anything happens."""
        found = page.port.get_appointment(page.call_context(), m.GetAppointment(appointment_id=appointment_id))
        names = self._office.auth.api.customer_names(page.business.business_id, {found.customer_id})
        return render(page, "cancel.html", section="calendar", a=found, customer=names.get(found.customer_id))

    def act(self, page: PageContext, appointment_id: UUID, action: str) -> PageResponse:
        if action not in _ACTIONS:
            return self._render(page, appointment_id, gettext("There is no such action.")), 404
        model, run, done = _ACTIONS[action]

        def change() -> PageResponse:
            fields = {"appointment_id": str(appointment_id)}
            if "expected_version" in model.__struct_fields__:
                fields["expected_version"] = request.form.get("version", "")
            if "reason" in model.__struct_fields__:
                fields["reason"] = text_of("reason")
            if "notify" in model.__struct_fields__:
                fields["notify"] = str("notify" in request.form).lower()
            run(page.port, page.call_context(form_key()), convert(typed_query(fields, model), model))
            if request.form.get("back") == "requests":
                return to(page, "requests", done)
            return to(page, "appointment", done, appointment_id=appointment_id)

        return attempt(change, lambda problem: self._render(page, appointment_id, problem))

    def _render(self, page: PageContext, appointment_id: UUID, problem: str | None = None) -> str:
        business_id = page.business.business_id
        context = page.call_context()
        found = page.port.get_appointment(context, m.GetAppointment(appointment_id=appointment_id))
        history = page.port.get_history(context, m.GetHistory(appointment_id=appointment_id)).changes
        customer = (business_id, found.customer_id)
        actors = {UUID(text) for each in history if (text := each.actor.partition(":")[2])}
        query = InvoicesQuery(appointment_id=appointment_id)
        return render(
            page,
            "appointment.html",
            section="calendar",
            a=found,
            began=found.starts_at <= datetime.now(UTC),
            names=self._office.auth.api.customer_names(business_id, {found.customer_id, *actors}),
            contact=self._office.auth.api.contacts({customer}).get(customer),
            history=history,
            invoices=self._office.billing.invoices(business_id, query).invoices,
            problem=problem,
        )
