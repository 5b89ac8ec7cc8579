"""SQL for reading invoices with their credits and payments, and for the trial balance."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Subquery,
    Table,
    case,
    cast,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.sql.selectable import LateralFromClause

from monolith.modules.billing.model import (
    CreditNote,
    Invoice,
    InvoiceLine,
    InvoicesQuery,
    InvoiceSummary,
    Payment,
    TrialBalance,
)
from monolith.modules.billing.repository import payments
from monolith.modules.billing.tables import credit_note, invoice, invoice_line, payment


def summaries(
    connection: Connection, business_id: UUID, query: InvoicesQuery, below: int | None, limit: int
) -> Sequence[InvoiceSummary]:
    """Return invoices with a number lower than `below`, highest first. Primary key, or index invoice_by_customer."""
    account = _accounts(business_id)
    wanted = {"state": query.state, "customer_id": query.customer_id, "appointment_id": query.appointment_id}
    conditions = [account.c[name] == value for name, value in wanted.items() if value is not None]
    if below is not None:
        conditions.append(account.c.number < below)
    found = select(account).where(*conditions).order_by(account.c.number.desc()).limit(limit)
    return [InvoiceSummary(**row._mapping) for row in connection.execute(found)]


def summary(connection: Connection, business_id: UUID, number: int) -> InvoiceSummary | None:
    """Return an invoice by number. Primary key."""
    account = _accounts(business_id)
    row = connection.execute(select(account).where(account.c.number == number)).one_or_none()
    return None if row is None else InvoiceSummary(**row._mapping)


def summary_of_price(connection: Connection, business_id: UUID, appointment_id: UUID) -> InvoiceSummary | None:
    """Return the invoice for the price of the appointment, not for late changes. Index invoice_of_price."""
    account = _accounts(business_id)
    charged = select(account).where(account.c.appointment_id == appointment_id, account.c.subject == "appointment")
    row = connection.execute(charged).one_or_none()
    return None if row is None else InvoiceSummary(**row._mapping)


def details(connection: Connection, business_id: UUID, found: InvoiceSummary) -> Invoice:
    """Add lines, credit note and payments. Primary keys; indexes credit_note_of_invoice, payment_of_invoice."""
    fields: dict[str, Any] = {name: getattr(found, name) for name in InvoiceSummary.__struct_fields__}
    return Invoice(
        **fields,
        lines=_lines(connection, business_id, found.number),
        credit_note=_credit_note(connection, business_id, found.number),
        payments=_payments(connection, business_id, found.number),
    )


def trial_balances(connection: Connection, business_id: UUID) -> Sequence[TrialBalance]:
    """Return one balance per currency, sorted by currency.

    Each side is added up from other tables: receivables from totals, revenue from lines, cash from payments.
    """
    account = _accounts(business_id)
    receivable = func.sum(account.c.due_minor - account.c.refund_due_minor)
    rows = connection.execute(select(account.c.currency, receivable).group_by(account.c.currency))
    charged, credited, paid = (
        _sums(connection, business_id, document) for document in (invoice_line, credit_note, payment)
    )
    return [
        TrialBalance(
            currency=currency,
            receivable_minor=int(amount),
            cash_minor=paid.get(currency, 0),
            revenue_minor=charged.get(currency, 0) - credited.get(currency, 0),
        )
        for currency, amount in sorted(tuple(row) for row in rows)
    ]


def _accounts(business_id: UUID) -> Subquery:
    """Select every invoice with its credited and paid amounts, in the columns of `InvoiceSummary`."""
    credited, paid = _total_per_invoice(credit_note), _total_per_invoice(payment)
    balance = invoice.c.total_minor - credited.c.amount - paid.c.amount
    amounts = select(
        invoice.c.number,
        invoice.c.appointment_id,
        invoice.c.subject,
        invoice.c.customer_id,
        _state(balance, credited.c.amount, paid.c.amount).label("state"),
        invoice.c.currency,
        invoice.c.total_minor,
        credited.c.amount.label("credited_minor"),
        paid.c.amount.label("paid_minor"),
        func.greatest(balance, 0).label("due_minor"),
        func.greatest(-balance, 0).label("refund_due_minor"),
        invoice.c.issued_at,
    )
    joined = amounts.select_from(invoice.join(credited, true()).join(paid, true()))
    return joined.where(invoice.c.business_id == business_id).subquery("account")


def _total_per_invoice(document: Table) -> LateralFromClause:
    """Sum the amounts per invoice. A sum of bigint is numeric, hence the cast."""
    total = cast(func.coalesce(func.sum(document.c.amount_minor), 0), BigInteger).label("amount")
    return select(total).where(_belongs_to_invoice(document)).correlate(invoice).lateral(f"by_{document.name}")


def _state(balance: ColumnElement[int], credited: ColumnElement[int], paid: ColumnElement[int]) -> ColumnElement[str]:
    return case(
        (balance < 0, literal("refund_due")),
        (credited == invoice.c.total_minor, literal("credited")),
        (balance == 0, literal("paid")),
        (paid > 0, literal("partly_paid")),
        else_=literal("open"),
    )


def _sums(connection: Connection, business_id: UUID, document: Table) -> dict[str, int]:
    """Sum the amounts of one kind of document by the currency of its invoices."""
    total = func.sum(document.c.amount_minor)
    rows = connection.execute(
        select(invoice.c.currency, total)
        .join_from(invoice, document, _belongs_to_invoice(document))
        .where(invoice.c.business_id == business_id)
        .group_by(invoice.c.currency)
    )
    return {currency: int(amount) for currency, amount in rows}


def _belongs_to_invoice(document: Table) -> ColumnElement[bool]:
    return (document.c.business_id == invoice.c.business_id) & (document.c.invoice_number == invoice.c.number)


def _lines(connection: Connection, business_id: UUID, number: int) -> tuple[InvoiceLine, ...]:
    line = invoice_line.c
    rows = connection.execute(
        select(line.description, line.offering_id, line.amount_minor)
        .where(line.business_id == business_id, line.invoice_number == number)
        .order_by(line.position)
    )
    return tuple(InvoiceLine(**row._mapping) for row in rows)


def _credit_note(connection: Connection, business_id: UUID, number: int) -> CreditNote | None:
    note = credit_note.c
    row = connection.execute(
        select(note.number, note.invoice_number, note.amount_minor, note.currency, note.issued_at).where(
            note.business_id == business_id, note.invoice_number == number
        )
    ).one_or_none()
    return None if row is None else CreditNote(**row._mapping)


def _payments(connection: Connection, business_id: UUID, number: int) -> tuple[Payment, ...]:
    of_the_invoice = payments(business_id).where(payment.c.invoice_number == number)
    rows = connection.execute(of_the_invoice.order_by(payment.c.recorded_at, payment.c.payment_id))
    return tuple(Payment(**row._mapping) for row in rows)
