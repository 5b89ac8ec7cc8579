"""Holds whose time is over by the database's clock, made official."""

from collections.abc import Iterable
from uuid import UUID

from msgspec.structs import replace

from contracts.scheduling import events as e
from scheduling_service.engine.availability import AvailabilityQuery
from scheduling_service.engine.booking import changes
from scheduling_service.engine.hours import to_utc
from scheduling_service.engine.store import appointments as store
from scheduling_service.engine.store import claims
from scheduling_service.engine.store import waitlist as waiting
from scheduling_service.engine.store.appointments import LockedAppointment
from scheduling_service.engine.write_transaction import LockContention, Write


def expire_overdue(write: Write, limit: int) -> list[LockedAppointment]:
    """Those of the business, the longest overdue first. What is being confirmed now is left alone."""
    return _expire(write, store.lock_overdue_holds(write.db, write.ctx.business_id, limit))


def expire_blocking_holds(write: Write, query: AvailabilityQuery, start: int) -> None:
    """Those that hold what somebody asks for now. Raises LockContention if somebody else is changing one and it may not
    wait."""
    ids = [each.provider_id for each in query.providers] + [each.resource_id for each in query.resources]
    begins, ends = (to_utc(moment) for moment in query.claim(start))
    waits = write.may_wait
    _expire(write, store.lock_blocking_holds(write.db, write.ctx.business_id, ids, begins, ends, wait=waits))
    if not waits and store.has_blocking_holds(write.db, write.ctx.business_id, ids, begins, ends):
        raise LockContention("Somebody is changing a hold that is in the way.")


def expire_in_session(write: Write, session_id: UUID) -> None:
    _expire(write, store.lock_overdue_in_session(write.db, write.ctx.business_id, session_id, wait=write.may_wait))


def _expire(write: Write, has_overdue_holds: Iterable[LockedAppointment]) -> list[LockedAppointment]:
    expired = []
    for locked in has_overdue_holds:
        write.may_wait = False
        held, business_id = locked.appointment, write.ctx.business_id
        changed = replace(held, status="expired", version=held.version + 1, cancelled_at=write.now)
        changes.record_change(write, changed, locked.session_id, e.AppointmentExpired, system_operation="expire")
        waiting.end_offer(write.db, business_id, held.appointment_id, "lapsed")
        if locked.session_id is None:
            claims.delete_claims(write.db, business_id, held.appointment_id)
        else:
            claims.return_seats(write.db, business_id, locked.session_id, held.seats, held.appointment_id)
        expired.append(locked)
    return expired
