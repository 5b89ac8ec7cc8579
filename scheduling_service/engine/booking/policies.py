"""What customers may still change, and what it costs. Staff are not bound; what they set aside is named."""

from dataclasses import dataclass
from datetime import timedelta

from contracts.scheduling import models as m
from contracts.scheduling.errors import InvalidTransition, PolicyRefused
from scheduling_service.engine.write_transaction import Write


@dataclass(frozen=True)
class PolicyDecision:
    """On one change. `in_time`: before the cut-off, or by staff, for whom there is none."""

    in_time: bool
    fee_percent: int
    overridden: tuple[str, ...] = ()


_FREE = PolicyDecision(True, 0)


def decide_cancellation(write: Write, offering: m.Offering, appointment: m.Appointment) -> PolicyDecision:
    """Raises PolicyRefused, and InvalidTransition for a customer whose appointment has begun. Holds go free."""
    if appointment.status == "held":
        return _FREE
    _require_ahead_for_customers(write, appointment)
    if appointment.status == "pending":  # Nothing was agreed yet, and nothing is charged.
        return _FREE
    return _inside(write, offering, appointment, offering.cancel_cutoff_minutes)


def decide_reschedule(write: Write, offering: m.Offering, appointment: m.Appointment) -> PolicyDecision:
    """Raises PolicyRefused."""
    policy = offering.policy
    cutoff = policy.reschedule_cutoff_minutes
    decision = _inside(write, offering, appointment, offering.cancel_cutoff_minutes if cutoff is None else cutoff)
    if policy.max_reschedules is None or appointment.reschedules < policy.max_reschedules:
        return decision
    if by_customer(write):
        raise PolicyRefused("This appointment was moved as often as it may be; ask the business.", "reschedules")
    return PolicyDecision(decision.in_time, decision.fee_percent, (*decision.overridden, "reschedules"))


def by_customer(write: Write) -> bool:
    return write.ctx.actor.kind == "customer"


def _inside(write: Write, offering: m.Offering, appointment: m.Appointment, cutoff_minutes: int) -> PolicyDecision:
    if write.now <= appointment.starts_at - timedelta(minutes=cutoff_minutes):
        return _FREE
    if not by_customer(write):
        return PolicyDecision(True, 0, ("cutoff",))
    if offering.policy.inside_cutoff == "refuse":
        raise PolicyRefused("It is too late to change this appointment; ask the business.", "cutoff")
    return PolicyDecision(False, offering.policy.late_fee_percent)


def _require_ahead_for_customers(write: Write, appointment: m.Appointment) -> None:
    if by_customer(write):
        require_not_begun(write, appointment)


def require_not_begun(write: Write, appointment: m.Appointment) -> None:
    if appointment.starts_at <= write.now:
        raise InvalidTransition("The appointment has already begun.")
