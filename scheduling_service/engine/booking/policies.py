"""What customers may still change, and what it costs. Staff are not bound; what they set aside is named."""

from dataclasses import dataclass
from datetime import timedelta

from contracts.scheduling import models as m
from contracts.scheduling.errors import InvalidTransition, PolicyRefused
from scheduling_service.engine.writing import Write


@dataclass(frozen=True)
class Verdict:
    """On one change. `in_time`: before the cut-off, or by staff, for whom there is none."""

    in_time: bool
    fee_percent: int
    overridden: tuple[str, ...] = ()


_FREE = Verdict(True, 0)


def on_cancel(write: Write, offering: m.Offering, appointment: m.Appointment) -> Verdict:
    """Raises PolicyRefused, and InvalidTransition for a customer whose appointment has begun. Holds go free."""
    if appointment.status == "held":
        return _FREE
    _require_ahead_for_customers(write, appointment)
    if appointment.status == "pending":  # Nothing was agreed yet, and nothing is charged.
        return _FREE
    return _inside(write, offering, appointment, offering.cancel_cutoff_minutes)


def on_reschedule(write: Write, offering: m.Offering, appointment: m.Appointment) -> Verdict:
    """Raises PolicyRefused."""
    policy = offering.policy
    cutoff = policy.reschedule_cutoff_minutes
    verdict = _inside(write, offering, appointment, offering.cancel_cutoff_minutes if cutoff is None else cutoff)
    if policy.max_reschedules is None or appointment.reschedules < policy.max_reschedules:
        return verdict
    if by_customer(write):
        raise PolicyRefused("This appointment was moved as often as it may be; ask the business.", "reschedules")
    return Verdict(verdict.in_time, verdict.fee_percent, (*verdict.overridden, "reschedules"))


def by_customer(write: Write) -> bool:
    return write.ctx.actor.kind == "customer"


def _inside(write: Write, offering: m.Offering, appointment: m.Appointment, cutoff_minutes: int) -> Verdict:
    if write.now <= appointment.starts_at - timedelta(minutes=cutoff_minutes):
        return _FREE
    if not by_customer(write):
        return Verdict(True, 0, ("cutoff",))
    if offering.policy.inside_cutoff == "refuse":
        raise PolicyRefused("It is too late to change this appointment; ask the business.", "cutoff")
    return Verdict(False, offering.policy.late_fee_percent)


def _require_ahead_for_customers(write: Write, appointment: m.Appointment) -> None:
    if by_customer(write):
        require_ahead(write, appointment)


def require_ahead(write: Write, appointment: m.Appointment) -> None:
    if appointment.starts_at <= write.now:
        raise InvalidTransition("The appointment has already begun.")
