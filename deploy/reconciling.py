"""Whether a business's invoices match its appointments, wherever these are; read from both while they are used."""

import time
from collections.abc import Iterator, Sequence
from uuid import UUID

from psycopg import sql

from monolith.cutover.databases import Connection
from monolith.modules.billing.api import AppointmentRecord, BillingApi

_PAGE = 1_000
_MOST_NAMED = 5
_LOOK_AGAIN = 0.1
_NONE = UUID(int=0)
_APPOINTMENTS = sql.SQL(
    "SELECT appointment_id, offering_id, customer_id, booked_at, status, fee_percent"
    "  FROM scheduling.appointment WHERE business_id = %s AND {}"
)


def unmatched(db: Connection, billing: BillingApi, business_id: UUID, *, settle_seconds: float) -> list[str]:
    """What does not agree, in words, at most five; empty when all does. `db` is the one that owns the business.

    An event may be on its way to billing: what does not agree is looked at again for `settle_seconds`.
    """
    found, seen = dict[UUID, str](), set[UUID]()
    for page in _pages(db, business_id):
        standing = {each.appointment_id: each for each in page}
        seen |= standing.keys()
        found |= billing.discrepancies(business_id, standing, list(standing))
    doubtful = [*found, *(billing.invoiced_appointments(business_id) - seen)]
    until = time.monotonic() + settle_seconds
    while doubtful:
        found = _again(db, billing, business_id, doubtful)
        doubtful = list(found)
        if not found or time.monotonic() >= until:
            break
        time.sleep(_LOOK_AGAIN)
    return [f"appointment {each} {found[each]}" for each in doubtful[:_MOST_NAMED]]


def _again(db: Connection, billing: BillingApi, business_id: UUID, doubtful: Sequence[UUID]) -> dict[UUID, str]:
    found = dict[UUID, str]()
    for first in range(0, len(doubtful), _PAGE):
        asked = list(doubtful[first : first + _PAGE])
        rows = db.execute(
            _APPOINTMENTS.format(sql.SQL("appointment_id = ANY (%s)")),
            (business_id, asked),
        ).fetchall()
        found |= billing.discrepancies(business_id, {row[0]: AppointmentRecord(*row) for row in rows}, asked)
    return found


def _pages(db: Connection, business_id: UUID) -> Iterator[list[AppointmentRecord]]:
    """By key. What is booked while this reads may be on none; it is an event on its way."""
    after = _NONE
    while True:
        rows = db.execute(
            _APPOINTMENTS.format(sql.SQL("appointment_id > %s ORDER BY appointment_id LIMIT %s")),
            (business_id, after, _PAGE),
        ).fetchall()
        if not rows:
            return
        yield [AppointmentRecord(*row) for row in rows]
        after = rows[-1][0]
