"""The days and times to which an appointment can be moved."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import request

from contracts.scheduling import models as m
from monolith.web.free_times import requested_day
from monolith.web.page_context import PageContext
from monolith.web.site.choice import Choice
from monolith.web.site.days import DAYS_SHOWN, FreeDay, free_days
from monolith.web.site.zones import VisitorZone


@dataclass(frozen=True)
class MoveChoices:
    """`day` is the chosen one of `days`; None if there is no free time among them.

    `provider` is the one whose times these are: that of the appointment, unless the customer has chosen another one of
    `providers`. Without `provider`, the providers cannot be changed.
    """

    days: tuple[FreeDay, ...] = ()
    day: FreeDay | None = None
    earlier: date | None = None
    later: date | None = None
    problem: str | None = None
    providers: tuple[m.Provider, ...] = ()
    provider: m.Provider | None = None

    @property
    def kept(self) -> dict[str, Any]:
        """Return the parameters that keep the choice of another provider."""
        return {"provider": self.provider.provider_id} if self.provider else {}


def move_choices(
    page: PageContext,
    offering: m.Offering | None,
    appointment: m.Appointment,
    zone: VisitorZone,
    provider_id: UUID | None = None,
) -> MoveChoices:
    """Return the free times for an appointment of this offering, with its length and seats.

    They are those of `provider_id`, or of the same provider. An appointment with several providers keeps them.
    """
    if offering is None:
        return MoveChoices()
    today = zone.today()
    current = appointment.starts_at.astimezone(zone.info).date()
    named, problem = requested_day(request.values.get("day"), today)
    first, _ = requested_day(request.values.get("from"), today)
    first = first or max(today, (named or current) - timedelta(days=3))
    if named is not None and not first <= named < first + timedelta(days=DAYS_SHOWN):
        first = named
    providers = () if appointment.provider_ids else _providers_of(page, offering)
    provider = next((each for each in providers if each.provider_id == provider_id), None)
    days = free_days(page, _choice(offering, appointment, provider), first, zone.name)
    wanted = named or max(current, first)
    later_days = [each for each in days if each.starts and each.date >= wanted]
    day = next((each for each in days if each.date == named), None) if named else next(iter(later_days), None)
    earlier = max(first - timedelta(days=DAYS_SHOWN), today)
    return MoveChoices(
        days=tuple(days),
        day=day,
        earlier=earlier if earlier < first else None,
        later=first + timedelta(days=DAYS_SHOWN),
        problem=problem,
        providers=providers,
        provider=provider,
    )


def _providers_of(page: PageContext, offering: m.Offering) -> tuple[m.Provider, ...]:
    found = page.port.list_providers(page.call_context(), m.ListProviders()).providers
    return tuple(each for each in found if each.active and offering.offering_id in each.offering_ids)


def _choice(offering: m.Offering, appointment: m.Appointment, provider: m.Provider | None) -> Choice:
    minutes = int((appointment.ends_at - appointment.starts_at).total_seconds() // 60)
    return Choice(
        offerings=(offering,),
        providers=(),
        provider=provider,
        only_provider_id=None if appointment.provider_ids else appointment.provider_id,
        minutes=minutes if minutes in offering.duration_choices_minutes else None,
        seats=appointment.seats,
    )
