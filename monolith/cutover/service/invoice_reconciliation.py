"""Reconciles billing's invoices with scheduling's appointments, across both databases, while they are in use."""

import time
from collections.abc import Iterator, Sequence
from uuid import UUID

from psycopg import sql

from monolith.cutover.databases import Connection
from monolith.modules.billing.api import AppointmentRecord, BillingApi

_PAGE = 1_000
_MAX_REPORTED = 5
_RETRY_SECONDS = 0.1
_LOWEST_ID = UUID(int=0)
_APPOINTMENTS = sql.SQL(
    "SELECT appointment_id, offering_id, customer_id, booked_at, status, fee_percent"
    "  FROM scheduling.appointment WHERE business_id = %s AND {}"
)


def unmatched_invoices(db: Connection, billing: BillingApi, business_id: UUID, *, settle_seconds: float) -> list[str]:
    """Return one line for each mismatch, at most five. `db` is the database that owns the business.

    An event may still be on its way to billing: mismatches are checked again for `settle_seconds`.
    """
    found, seen = dict[UUID, str](), set[UUID]()
    for page in _pages(db, business_id):
        appointments = {each.appointment_id: each for each in page}
        seen |= appointments.keys()
        found |= billing.discrepancies(business_id, appointments, list(appointments))
    doubtful = [*found, *(billing.invoiced_appointments(business_id) - seen)]
    until = time.monotonic() + settle_seconds
    while doubtful:
        found = _check_again(db, billing, business_id, doubtful)
        doubtful = list(found)
        if not found or time.monotonic() >= until:
            break
        time.sleep(_RETRY_SECONDS)
    return [f"appointment {each} {found[each]}" for each in doubtful[:_MAX_REPORTED]]


def _check_again(db: Connection, billing: BillingApi, business_id: UUID, doubtful: Sequence[UUID]) -> dict[UUID, str]:
    found = dict[UUID, str]()
    for first in range(0, len(doubtful), _PAGE):
        ids = list(doubtful[first : first + _PAGE])
        rows = db.execute(_APPOINTMENTS.format(sql.SQL("appointment_id = ANY (%s)")), (business_id, ids)).fetchall()
        found |= billing.discrepancies(business_id, {row[0]: AppointmentRecord(*row) for row in rows}, ids)
    return found


def _pages(db: Connection, business_id: UUID) -> Iterator[list[AppointmentRecord]]:
    """Sorted by id. An appointment booked during the iteration may be on no page; its event is on its way."""
    after = _LOWEST_ID
    while True:
        rows = db.execute(
            _APPOINTMENTS.format(sql.SQL("appointment_id > %s ORDER BY appointment_id LIMIT %s")),
            (business_id, after, _PAGE),
        ).fetchall()
        if not rows:
            return
        yield [AppointmentRecord(*row) for row in rows]
        after = rows[-1][0]
