"""SQL for prices and for writing documents. Functions run in the caller's transaction, which sets the business."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, func, insert, select
from sqlalchemy.dialects import postgresql

from contracts.scheduling.events import AnyEvent
from monolith.modules.billing.model import Payment, Price, Subject
from monolith.modules.billing.tables import credit_note, invoice, invoice_line, number_series, payment, price
from monolith.shared.database import new_id

Document = Literal["invoice", "credit_note"]


# ---- prices: the newest row at an instant is the price at that instant


def price_at(connection: Connection, business_id: UUID, offering_id: UUID, moment: datetime) -> Price | None:
    """Return the price at `moment`. Index price_in_force."""
    in_force = _prices(business_id).where(price.c.offering_id == offering_id, price.c.valid_from <= moment)
    row = connection.execute(in_force.order_by(price.c.valid_from.desc(), price.c.price_id.desc()).limit(1)).first()
    return None if row is None else Price(**row._mapping)


def price_now(connection: Connection, business_id: UUID, offering_id: UUID) -> Price | None:
    """Return the current price by this database's clock. Index price_in_force."""
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return price_at(connection, business_id, offering_id, now)


def prices_now(connection: Connection, business_id: UUID) -> Sequence[Price]:
    """Return the current price of each offering. Index price_in_force."""
    newest_first = (price.c.offering_id, price.c.valid_from.desc(), price.c.price_id.desc())
    in_force = _prices(business_id).where(price.c.valid_from <= func.clock_timestamp())
    # DISTINCT ON keeps the first row of each offering.
    rows = connection.execute(in_force.ext(postgresql.distinct_on(price.c.offering_id)).order_by(*newest_first))
    return [Price(**row._mapping) for row in rows]


def add_price(
    connection: Connection, business_id: UUID, offering_id: UUID, amount_minor: int, currency: str, set_by: UUID
) -> Price:
    added = insert(price).values(
        business_id=business_id,
        price_id=new_id(),
        offering_id=offering_id,
        amount_minor=amount_minor,
        currency=currency,
        set_by=set_by,
    )
    row = connection.execute(added.returning(*_PRICE)).one()
    return Price(**row._mapping)


# ---- documents: issued once, never changed


def is_charged(connection: Connection, business_id: UUID, appointment_id: UUID, version: int) -> bool:
    """Return whether this version of the appointment has an invoice. Index invoice_of_appointment."""
    same = (invoice.c.business_id == business_id) & (invoice.c.appointment_id == appointment_id)
    found = select(invoice.c.number).where(same, invoice.c.appointment_version == version)
    return connection.execute(found).first() is not None


def add_invoice(
    connection: Connection,
    event: AnyEvent,
    subject: Subject,
    description: str,
    amount_minor: int,
    currency: str,
) -> int:
    """Insert an invoice with one line and return its number, which no other transaction can use or skip."""
    business_id, appointment = event.business_id, event.appointment
    number = _next_number(connection, business_id, "invoice")
    key = {"business_id": business_id}
    connection.execute(
        insert(invoice).values(
            **key,
            number=number,
            appointment_id=appointment.appointment_id,
            appointment_version=appointment.version,
            subject=subject,
            customer_id=appointment.customer_id,
            currency=currency,
            total_minor=amount_minor,
        )
    )
    connection.execute(
        insert(invoice_line).values(
            **key,
            invoice_number=number,
            position=1,
            description=description,
            offering_id=appointment.offering_id,
            amount_minor=amount_minor,
        )
    )
    return number


def add_credit_note(
    connection: Connection, business_id: UUID, invoice_number: int, currency: str, amount_minor: int
) -> int:
    """Insert a credit note and return its number. The database allows one per invoice, of at most its amount."""
    number = _next_number(connection, business_id, "credit_note")
    connection.execute(
        insert(credit_note).values(
            business_id=business_id,
            number=number,
            invoice_number=invoice_number,
            currency=currency,
            amount_minor=amount_minor,
        )
    )
    return number


def add_payment(
    connection: Connection,
    business_id: UUID,
    invoice_number: int,
    amount_minor: int,
    note: str,
    recorded_by: UUID,
    key: str,
    request_hash: bytes,
) -> bool:
    """Insert a payment; return false if this user's key is already used. A trigger rejects overpayment."""
    added = postgresql.insert(payment).values(
        business_id=business_id,
        payment_id=new_id(),
        invoice_number=invoice_number,
        amount_minor=amount_minor,
        note=note,
        recorded_by=recorded_by,
        idempotency_key=key,
        request_hash=request_hash,
    )
    once = added.on_conflict_do_nothing(constraint="payment_once").returning(payment.c.payment_id)
    return connection.execute(once).first() is not None


def payment_of_key(
    connection: Connection, business_id: UUID, recorded_by: UUID, key: str
) -> tuple[Payment, bytes] | None:
    """Return the payment recorded under the key and the hash of its request. Index payment_once."""
    row = connection.execute(
        payments(business_id)
        .add_columns(payment.c.request_hash)
        .where(payment.c.recorded_by == recorded_by, payment.c.idempotency_key == key)
    ).one_or_none()
    if row is None:
        return None
    fields = dict(row._mapping)
    request_hash = fields.pop("request_hash")
    return Payment(**fields), request_hash


def payments(business_id: UUID) -> Select[*tuple[Any, ...]]:
    """Select the columns of `Payment`; the currency is the invoice's."""
    same = (payment.c.business_id == invoice.c.business_id) & (payment.c.invoice_number == invoice.c.number)
    return (
        select(
            payment.c.payment_id,
            payment.c.invoice_number,
            payment.c.amount_minor,
            invoice.c.currency,
            payment.c.note,
            payment.c.recorded_at,
        )
        .join(invoice, same)
        .where(payment.c.business_id == business_id)
    )


def lock_invoice(connection: Connection, business_id: UUID, number: int) -> None:
    """Serialize credits and payments of this invoice until the transaction ends."""
    connection.execute(select(func.billing.lock_invoice(business_id, number)))


def _next_number(connection: Connection, business_id: UUID, document: Document) -> int:
    """Take the next number and lock the series until the transaction ends, so that a rollback leaves no gap."""
    first = postgresql.insert(number_series).values(business_id=business_id, document=document, last_number=1)
    following = first.on_conflict_do_update(
        constraint="number_series_pkey", set_={"last_number": number_series.c.last_number + 1}
    )
    number: int = connection.execute(following.returning(number_series.c.last_number)).scalar_one()
    return number


_PRICE: tuple[ColumnElement[Any], ...] = (
    price.c.offering_id,
    price.c.amount_minor,
    price.c.currency,
    price.c.valid_from,
)


def _prices(business_id: UUID) -> Select[*tuple[Any, ...]]:
    return select(*_PRICE).where(price.c.business_id == business_id)
