"""Comparison of invoices with appointments, for the verification of a business."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, func, select

from monolith.modules.billing.fees import fee_of
from monolith.modules.billing.tables import credit_note, invoice, price

_CHARGED: Final = ("booked", "completed")
"""Statuses in which the full price is charged."""
_ENDED: Final = ("cancelled", "no_show")


class AppointmentRecord(NamedTuple):
    """An appointment as stored in the database that owns its business."""

    appointment_id: UUID
    offering_id: UUID
    customer_id: UUID
    booked_at: datetime
    status: str
    fee_percent: int


class _Charge(NamedTuple):
    customer_id: UUID
    total_minor: int
    credited_minor: int


def discrepancies(
    connection: Connection, business_id: UUID, appointments: Mapping[UUID, AppointmentRecord], checked: Sequence[UUID]
) -> dict[UUID, str]:
    """Describe, by appointment, where invoices and appointments disagree. The ids in `checked` need not exist.

    An event that has not been consumed yet looks like a discrepancy: repeat the check for the ones that were found.
    """
    charged, prices = _charged(connection, business_id, checked), _Prices(connection, business_id)
    found = {}
    for appointment_id in checked:
        problem = _discrepancy(prices, appointments.get(appointment_id), charged.get(appointment_id))
        if problem is not None:
            found[appointment_id] = problem
    return found


def invoiced_appointments(connection: Connection, business_id: UUID) -> set[UUID]:
    """Return the appointments that have ever been invoiced."""
    return set(connection.scalars(select(invoice.c.appointment_id).where(invoice.c.business_id == business_id)))


class _Prices:
    """The price history of a business, loaded once to check many appointments."""

    def __init__(self, connection: Connection, business_id: UUID) -> None:
        rows = connection.execute(
            select(price.c.offering_id, price.c.valid_from, price.c.amount_minor)
            .where(price.c.business_id == business_id)
            .order_by(price.c.valid_from, price.c.price_id)
        )
        self._of: dict[UUID, list[tuple[datetime, int]]] = {}
        for offering_id, valid_from, amount_minor in rows:
            self._of.setdefault(offering_id, []).append((valid_from, amount_minor))

    def at(self, offering_id: UUID, moment: datetime) -> int:
        """Return the price in minor units; 0 if there is none."""
        history = self._of.get(offering_id, [])
        index = bisect_right(history, moment, key=lambda each: each[0])
        return history[index - 1][1] if index else 0


def _charged(connection: Connection, business_id: UUID, checked: Sequence[UUID]) -> dict[UUID, _Charge]:
    """Return what each appointment was charged, without late-change fees. Index invoice_of_price."""
    mine = (invoice.c.business_id == business_id) & (invoice.c.subject == "appointment")
    credit = (credit_note.c.business_id == invoice.c.business_id) & (credit_note.c.invoice_number == invoice.c.number)
    rows = connection.execute(
        select(
            invoice.c.appointment_id,
            invoice.c.customer_id,
            invoice.c.total_minor,
            func.coalesce(credit_note.c.amount_minor, 0),
        )
        .select_from(invoice.outerjoin(credit_note, credit))
        .where(mine, invoice.c.appointment_id.in_(checked))
    )
    return {appointment_id: _Charge(*rest) for appointment_id, *rest in rows}


def _discrepancy(prices: _Prices, appointment: AppointmentRecord | None, charged: _Charge | None) -> str | None:
    if appointment is None:
        return None if charged is None else "has an invoice but does not exist"
    if charged is None:
        missing = appointment.status in _CHARGED and prices.at(appointment.offering_id, appointment.booked_at) > 0
        return f"is {appointment.status} but has no invoice" if missing else None
    if charged.customer_id != appointment.customer_id:
        return "has an invoice for another customer"
    due = _credit_due(appointment, charged.total_minor)
    if charged.credited_minor != due:
        return f"is {appointment.status}, but {charged.credited_minor} minor units were credited instead of {due}"
    return None


def _credit_due(appointment: AppointmentRecord, total_minor: int) -> int:
    if appointment.status not in _ENDED:
        return 0
    return total_minor - fee_of(total_minor, appointment.fee_percent)
