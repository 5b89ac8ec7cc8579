"""Move an appointment: choose the time, see old and new side by side, and confirm."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, request

from contracts.scheduling import models as m
from monolith.shared.endpoints.decoding import convert
from monolith.web.free_times import free_slots_for, labelled_starts, local_today
from monolith.web.office.staff_pages import (
    Catalog,
    Office,
    PageResponse,
    already_submitted,
    attempt,
    chosen_time,
    form_key,
    id_in,
    number_of,
    override_fields,
    read_catalog,
    render,
    to,
)
from monolith.web.page_context import PageContext

_MOVE = "/appointments/<uuid:appointment_id>/move"


class MovingPages:
    def __init__(self, office: Office) -> None:
        self._office = office

    def add_to(self, pages: Blueprint) -> None:
        self._office.add(pages, _MOVE, "move", self.choose, changes=True)
        self._office.add(pages, _MOVE, "moved", self.move, ("POST",))

    def choose(self, page: PageContext, appointment_id: UUID) -> PageResponse:
        """Show the form, or with a chosen time the confirmation."""
        return attempt(
            lambda: self._render(page, appointment_id, request.args),
            lambda problem: self._render(page, appointment_id, {}, problem),
        )

    def move(self, page: PageContext, appointment_id: UUID) -> PageResponse:
        form = request.form

        def action() -> PageResponse:
            fields = {
                "appointment_id": appointment_id,
                "starts_at": chosen_time(page, form),
                "expected_version": number_of("version"),
                "provider_id": form.get("provider") or None,
                **override_fields(),
                "notify": "notify" in form,
            }
            page.port.reschedule(page.call_context(form_key()), convert(fields, m.Reschedule))
            undo = {"before": form.get("before"), "with": form.get("with")}
            return to(page, "appointment", "moved", appointment_id=appointment_id, **undo)

        return attempt(action, lambda problem: self._render(page, appointment_id, form, problem))

    def _render(
        self, page: PageContext, appointment_id: UUID, values: Mapping[str, str], problem: str | None = None
    ) -> str:
        found = page.port.get_appointment(page.call_context(), m.GetAppointment(appointment_id=appointment_id))
        catalog, zone = read_catalog(page), ZoneInfo(page.business.zone)
        current = found.starts_at.astimezone(zone)
        chosen = _chosen(page, values)
        day = chosen.astimezone(zone).date() if chosen else _day(values, current.date())
        provider = catalog.provider(id_in(values, "provider")) or catalog.provider(found.provider_id)
        times = _times(page, catalog, found, provider, day)
        return render(
            page,
            "move.html",
            section="calendar",
            a=found,
            customer=self._office.auth.api.customer_names(page.business.business_id, {found.customer_id}).get(
                found.customer_id
            ),
            provider_options=[(each.provider_id, each.name) for each in catalog.active_providers],
            provider=provider,
            chosen=chosen,
            day=day,
            clock=f"{(chosen or found.starts_at).astimezone(zone):%H:%M}",
            times=times,
            offered=any(at == chosen for _, at in times),
            form=values,
            form_key=None if already_submitted(problem) else values.get("key"),
            problem=problem,
        )


def _chosen(page: PageContext, values: Mapping[str, str]) -> datetime | None:
    if values.get("date") and values.get("time"):
        return chosen_time(page, values)
    try:
        at = datetime.fromisoformat(values.get("at", ""))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def _day(values: Mapping[str, str], otherwise: date) -> date:
    try:
        return date.fromisoformat(values.get("date", ""))
    except ValueError:
        return otherwise


def _times(
    page: PageContext, catalog: Catalog, found: m.Appointment, provider: m.Provider | None, day: date
) -> list[tuple[str, datetime]]:
    """Return the free starts of the day with this provider, for an appointment of the same length."""
    offering = catalog.offering(found.offering_id)
    if offering is None or provider is None or day < local_today(page):
        return []
    return labelled_starts(page, free_slots_for(page, offering, found, day, provider.provider_id))
