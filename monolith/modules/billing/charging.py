"""Invoices for a batch of bookings, in four statements regardless of its size."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

from contracts.scheduling.events import AppointmentBooked


class _Charge(NamedTuple):
    event: AppointmentBooked
    amount_minor: int
    currency: str

    @property
    def description(self) -> str:
        booked = self.event.appointment
        return booked.offering_name + (f" × {booked.seats}" if booked.seats > 1 else "")


def charge_bookings(connection: Connection, events: Sequence[AppointmentBooked]) -> None:
    """Charge each seat at the price valid when it was booked, once per appointment.

    A booking without a price, or with the price 0, gets no invoice. The events are of different appointments; row-level
    security shows the rows of their businesses. Invoices of one business are numbered in the order of the events.
    """
    if not events:
        return
    charges = sorted(_charges(connection, events), key=lambda charge: charge.event.business_id)
    if charges:
        _add_invoices(connection, charges, _numbers(connection, charges))


def _charges(connection: Connection, events: Sequence[AppointmentBooked]) -> list[_Charge]:
    """Return a charge for each event with a price in force, in order. Indexes: price_in_force, invoice_of_price."""
    rows = connection.execute(
        _PRICES,
        {
            "businesses": [event.business_id for event in events],
            "appointments": [event.appointment.appointment_id for event in events],
            "offerings": [event.appointment.offering_id for event in events],
            "moments": [event.appointment.booked_at for event in events],
        },
    )
    return [
        _Charge(events[position - 1], amount_minor * events[position - 1].appointment.seats, currency)
        for position, amount_minor, currency in rows
    ]


def _numbers(connection: Connection, charges: Sequence[_Charge]) -> dict[UUID, int]:
    """Reserve numbers for the charges, sorted by business; return the last number of each business.

    Locks each series until the transaction ends, so that a number that is rolled back is reused by the next
    transaction. Every transaction locks the series in the same order, which prevents deadlocks.
    """
    counts = [(business, len(list(group))) for business, group in groupby(charges, lambda each: each.event.business_id)]
    rows = connection.execute(
        _NUMBERS, {"businesses": [business for business, _ in counts], "counts": [count for _, count in counts]}
    )
    return {row.business_id: row.last_number for row in rows}


def _add_invoices(connection: Connection, charges: Sequence[_Charge], last: dict[UUID, int]) -> None:
    numbers: list[int] = []
    for _, group in groupby(charges, lambda each: each.event.business_id):
        of_business = list(group)
        end = last[of_business[0].event.business_id]
        numbers += range(end - len(of_business) + 1, end + 1)
    booked = [charge.event.appointment for charge in charges]
    values: dict[str, Any] = {
        "businesses": [charge.event.business_id for charge in charges],
        "numbers": numbers,
        "appointments": [each.appointment_id for each in booked],
        "versions": [each.version for each in booked],
        "customers": [each.customer_id for each in booked],
        "currencies": [charge.currency for charge in charges],
        "amounts": [charge.amount_minor for charge in charges],
        "descriptions": [charge.description for charge in charges],
        "offerings": [each.offering_id for each in booked],
    }
    connection.execute(_INVOICES, values)


_PRICES = text("""
    SELECT asked.position, price.amount_minor, price.currency
      FROM unnest(CAST(:businesses AS uuid[]), CAST(:appointments AS uuid[]), CAST(:offerings AS uuid[]),
                  CAST(:moments AS timestamptz[]))
           WITH ORDINALITY AS asked (business_id, appointment_id, offering_id, moment, position)
     CROSS JOIN LATERAL (SELECT amount_minor, currency FROM billing.price
                          WHERE business_id = asked.business_id AND offering_id = asked.offering_id
                            AND valid_from <= asked.moment
                          ORDER BY valid_from DESC, price_id DESC LIMIT 1) AS price
     WHERE price.amount_minor > 0
       AND NOT EXISTS (SELECT FROM billing.invoice
                        WHERE business_id = asked.business_id AND appointment_id = asked.appointment_id
                          AND subject = 'appointment')
     ORDER BY asked.position
""")
_NUMBERS = text("""
    INSERT INTO billing.number_series AS series (business_id, document, last_number)
    SELECT business_id, 'invoice', added
      FROM unnest(CAST(:businesses AS uuid[]), CAST(:counts AS bigint[])) AS given (business_id, added)
     ORDER BY business_id
        ON CONFLICT (business_id, document) DO UPDATE SET last_number = series.last_number + excluded.last_number
    RETURNING business_id, last_number
""")
_INVOICES = text("""
    WITH given AS (
        SELECT * FROM unnest(
            CAST(:businesses AS uuid[]), CAST(:numbers AS bigint[]), CAST(:appointments AS uuid[]),
            CAST(:versions AS bigint[]), CAST(:customers AS uuid[]), CAST(:currencies AS text[]),
            CAST(:amounts AS bigint[]), CAST(:descriptions AS text[]), CAST(:offerings AS uuid[]))
          AS invoice (business_id, number, appointment_id, version, customer_id, currency, amount, description,
                      offering_id)
    ), issued AS (
        INSERT INTO billing.invoice (business_id, number, appointment_id, appointment_version, subject, customer_id,
                                     currency, total_minor)
        SELECT business_id, number, appointment_id, version, 'appointment', customer_id, currency, amount FROM given
    )
    INSERT INTO billing.invoice_line (business_id, invoice_number, position, description, offering_id, amount_minor)
    SELECT business_id, number, 1, description, offering_id, amount FROM given
""")
