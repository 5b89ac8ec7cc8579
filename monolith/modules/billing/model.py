"""Request and reply models. Money is an integer number of minor units and an ISO 4217 code."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from contracts.chassis.values import Cursor, Note, PageSize

MAX_AMOUNT_MINOR = 1_000_000_000

PriceMinor = Annotated[int, Meta(ge=0, le=MAX_AMOUNT_MINOR)]
PaymentMinor = Annotated[int, Meta(ge=1, le=MAX_AMOUNT_MINOR)]

State = Literal["open", "partly_paid", "paid", "credited", "refund_due"]
"""`credited`: a credit note cancelled the whole amount. `refund_due`: more was paid than the credit note leaves."""

Subject = Literal["appointment", "late_change"]
"""What an invoice charges: the price of an appointment, or the fee for rescheduling it after the cutoff."""


class SetPrice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sets the price from now on; 0 means free. Existing appointments keep the price at which they were booked."""

    offering_id: UUID
    amount_minor: PriceMinor


class Price(Struct, frozen=True, kw_only=True):
    offering_id: UUID
    amount_minor: int
    currency: str
    valid_from: datetime


class PriceList(Struct, frozen=True, kw_only=True):
    """The current price of every offering that has one, sorted by offering."""

    prices: tuple[Price, ...]


class RecordPayment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payment that the business has received, at most the amount due."""

    amount_minor: PaymentMinor
    note: Note = ""


class Payment(Struct, frozen=True, kw_only=True):
    payment_id: UUID
    invoice_number: int
    amount_minor: int
    currency: str
    note: str
    recorded_at: datetime


class CreditNote(Struct, frozen=True, kw_only=True):
    """Cancels the amount of its invoice, less a fee. Credit notes have their own number series."""

    number: int
    invoice_number: int
    amount_minor: int
    currency: str
    issued_at: datetime


class InvoiceLine(Struct, frozen=True, kw_only=True):
    description: str
    offering_id: UUID
    amount_minor: int


class InvoiceSummary(Struct, frozen=True, kw_only=True):
    """`total = due + paid + credited - refund_due`, all in minor units of `currency`."""

    number: int
    appointment_id: UUID
    subject: Subject
    customer_id: UUID
    state: State
    currency: str
    total_minor: int
    credited_minor: int
    paid_minor: int
    due_minor: int
    refund_due_minor: int
    issued_at: datetime


class Invoice(InvoiceSummary, frozen=True, kw_only=True):
    """An invoice with its details. Only `credit_note`, `payments` and what derives from them ever change."""

    lines: tuple[InvoiceLine, ...]
    credit_note: CreditNote | None
    payments: tuple[Payment, ...]


class InvoicesQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`cursor` is the `next_cursor` of the previous page. Customers see only their own invoices."""

    state: State | None = None
    customer_id: UUID | None = None
    appointment_id: UUID | None = None
    cursor: Cursor | None = None
    limit: PageSize = 50


class InvoicePage(Struct, frozen=True, kw_only=True):
    """A page of invoices, newest first. `next_cursor` is null on the last page."""

    invoices: tuple[InvoiceSummary, ...]
    next_cursor: str | None = None


class TrialBalance(Struct, frozen=True, kw_only=True):
    """The totals of a business in one currency.

    Receivable is the sum due on invoices, less refunds due; cash is the sum of payments; revenue is the sum of invoice
    lines, less credit notes.
    """

    currency: str
    receivable_minor: int
    cash_minor: int
    revenue_minor: int

    @property
    def difference_minor(self) -> int:
        """Zero if the books are consistent."""
        return self.receivable_minor + self.cash_minor - self.revenue_minor
