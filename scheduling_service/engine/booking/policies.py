"""Cut-offs, fees and limits for changes by customers. Staff are exempt; what they override is recorded."""

from dataclasses import dataclass
from datetime import timedelta

from contracts.scheduling import models as m
from contracts.scheduling.errors import InvalidTransition, PolicyRefused
from scheduling_service.engine.write_transaction import Write


@dataclass(frozen=True)
class PolicyDecision:
    """The terms of one change. `in_time` is true before the cut-off, and always for staff."""

    in_time: bool
    fee_percent: int
    overridden: tuple[str, ...] = ()


_FREE = PolicyDecision(True, 0)


def decide_cancellation(write: Write, offering: m.Offering, appointment: m.Appointment) -> PolicyDecision:
    """Decide the terms of a cancellation; a hold or a pending appointment is cancelled free of charge.

    Raises PolicyRefused, and InvalidTransition for a customer whose appointment has begun.
    """
    if appointment.status == "held":
        return _FREE
    if by_customer(write):
        require_not_begun(write, appointment)
    if appointment.status == "pending":
        return _FREE
    return _decide_by_cutoff(write, offering, appointment, offering.cancel_cutoff_minutes)


def decide_reschedule(write: Write, offering: m.Offering, appointment: m.Appointment) -> PolicyDecision:
    """Decide the terms of a reschedule. Raises PolicyRefused."""
    policy = offering.policy
    cutoff = policy.reschedule_cutoff_minutes
    cutoff_minutes = offering.cancel_cutoff_minutes if cutoff is None else cutoff
    decision = _decide_by_cutoff(write, offering, appointment, cutoff_minutes)
    if policy.max_reschedules is None or appointment.reschedules < policy.max_reschedules:
        return decision
    if by_customer(write):
        raise PolicyRefused("This appointment cannot be rescheduled again; please contact the business.", "reschedules")
    return PolicyDecision(decision.in_time, decision.fee_percent, (*decision.overridden, "reschedules"))


def by_customer(write: Write) -> bool:
    return write.ctx.actor.kind == "customer"


def require_not_begun(write: Write, appointment: m.Appointment) -> None:
    """Raise InvalidTransition if the appointment has begun."""
    if appointment.starts_at <= write.now:
        raise InvalidTransition("The appointment has already begun.")


def _decide_by_cutoff(
    write: Write, offering: m.Offering, appointment: m.Appointment, cutoff_minutes: int
) -> PolicyDecision:
    if write.now <= appointment.starts_at - timedelta(minutes=cutoff_minutes):
        return _FREE
    if not by_customer(write):
        return PolicyDecision(True, 0, ("cutoff",))
    if offering.policy.inside_cutoff == "refuse":
        raise PolicyRefused("It is too late to change this appointment; please contact the business.", "cutoff")
    return PolicyDecision(False, offering.policy.late_fee_percent)
