"""Expiry of overdue holds, by the database's clock."""

from collections.abc import Iterable
from uuid import UUID

from msgspec.structs import replace

from contracts.scheduling import events as e
from scheduling_service.engine.availability import AvailabilityQuery
from scheduling_service.engine.booking import changes
from scheduling_service.engine.booking.release import release
from scheduling_service.engine.hours import to_utc
from scheduling_service.engine.store import waitlist
from scheduling_service.engine.store.appointments import LockedAppointment
from scheduling_service.engine.write_transaction import Write


def expire_overdue_holds(write: Write, limit: int) -> list[LockedAppointment]:
    """Expire the business's holds that have been overdue longest, except those that another write is changing."""
    return _expire(write, write.locks.overdue_holds(limit))


def expire_blocking_holds(write: Write, query: AvailabilityQuery, start: int) -> None:
    """Expire the overdue holds that occupy what a booking at `start` needs.

    Raises LockContention if another write is changing one and this write may not wait for it.
    """
    ids = query.provider_and_resource_ids
    begins, ends = (to_utc(moment) for moment in query.claimed_range(start))
    waited = write.locks.waits_for_appointments
    _expire(write, write.locks.blocking_holds(ids, begins, ends))
    if not waited:
        write.locks.require_no_blocking_holds(ids, begins, ends)


def expire_holds_in_session(write: Write, session_id: UUID) -> None:
    """Expire the overdue holds of a session, except those that another write is changing."""
    _expire(write, write.locks.overdue_holds_in_session(session_id))


def _expire(write: Write, overdue: Iterable[LockedAppointment]) -> list[LockedAppointment]:
    expired = []
    for locked in overdue:
        held = locked.appointment
        changed = replace(held, status="expired", version=held.version + 1, cancelled_at=write.now)
        changes.record_change(write, changed, locked.session_id, e.AppointmentExpired, system_operation="expire")
        waitlist.end_offer(write.db, write.ctx.business_id, held.appointment_id, "lapsed")
        release(write, locked)
        expired.append(locked)
    return expired
