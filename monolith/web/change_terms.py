"""Preview of what a change costs the customer now, by the offering's policy. Scheduling makes the decision."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from contracts.scheduling import models as m


@dataclass(frozen=True, slots=True)
class ChangeTerms:
    """`free_until` is the end of the free period, if it is in the future; `fee_percent` is the fee right now.
    If `refused`, only staff can make the change."""

    free_until: datetime | None = None
    fee_percent: int = 0
    refused: bool = False


def cancellation_terms(offering: m.Offering, starts_at: datetime) -> ChangeTerms:
    return _terms(offering.policy, offering.cancel_cutoff_minutes, starts_at)


def reschedule_terms(offering: m.Offering, appointment: m.Appointment) -> ChangeTerms:
    policy = offering.policy
    if policy.max_reschedules is not None and appointment.reschedules >= policy.max_reschedules:
        return ChangeTerms(refused=True)
    cutoff = policy.reschedule_cutoff_minutes
    return _terms(policy, offering.cancel_cutoff_minutes if cutoff is None else cutoff, appointment.starts_at)


def _terms(policy: m.ChangePolicy, cutoff_minutes: int, starts_at: datetime) -> ChangeTerms:
    until = starts_at - timedelta(minutes=cutoff_minutes)
    if until > datetime.now(UTC):
        return ChangeTerms(free_until=until)
    refused = policy.inside_cutoff == "refuse"
    return ChangeTerms(fee_percent=0 if refused else policy.late_fee_percent, refused=refused)
