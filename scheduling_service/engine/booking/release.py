"""Release of the time and seats of an appointment."""

from scheduling_service.engine.store import claims
from scheduling_service.engine.store.appointments import LockedAppointment
from scheduling_service.engine.write_transaction import Write


def release(write: Write, locked: LockedAppointment) -> None:
    """Release what an appointment occupies that has ended or is about to move."""
    appointment, business_id = locked.appointment, write.ctx.business_id
    write.locks.enter_claims()
    if locked.session_id is None:
        claims.delete_claims(write.db, business_id, appointment.appointment_id)
    else:
        seats = 0 if appointment.overbooked else appointment.seats
        claims.return_seats(write.db, business_id, locked.session_id, seats, appointment.appointment_id)
