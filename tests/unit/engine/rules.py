"""Providers and offerings without a database."""

from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.scheduling.models import Offering
from scheduling_service.engine.rules import ProviderRules, Range

NOBODY = UUID(int=0)


def provider(zone: ZoneInfo, week: Sequence[Sequence[Range]]) -> ProviderRules:
    return ProviderRules(NOBODY, "Ada", zone, True, frozenset({NOBODY}), tuple(map(tuple, week)))


def offering(duration: int, step: int) -> Offering:
    """In minutes."""
    return Offering(
        offering_id=NOBODY,
        name="Cut",
        duration_minutes=duration,
        step_minutes=step,
        cancel_cutoff_minutes=0,
        active=True,
    )
