"""What the module speaks of. Money is an integer of minor units and an ISO 4217 code."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from contracts.scheduling.values import Cursor, Note, PageSize

MAX_AMOUNT_MINOR = 1_000_000_000

PriceMinor = Annotated[int, Meta(ge=0, le=MAX_AMOUNT_MINOR)]
PaymentMinor = Annotated[int, Meta(ge=1, le=MAX_AMOUNT_MINOR)]

State = Literal["open", "partly_paid", "paid", "credited", "refund_due"]
"""`credited`: a credit note took the whole amount back. `refund_due`: more was paid than a credit note has left due."""

Subject = Literal["appointment", "late_change"]
"""The price of an appointment, or the fee for moving it inside the cut-off."""


class SetPrice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From now on; 0 means free. Appointments booked before keep the price they were booked at."""

    offering_id: UUID
    amount_minor: PriceMinor


class Price(Struct, frozen=True, kw_only=True):
    offering_id: UUID
    amount_minor: int
    currency: str
    valid_from: datetime


class PriceList(Struct, frozen=True, kw_only=True):
    """The price in force of every offering that has one, by offering."""

    prices: tuple[Price, ...]


class RecordPayment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Money that the business has received. At most what is due."""

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
    """Takes the amount of its invoice back, or what is left of it after a fee. Numbered in a series of its own."""

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
    """`credit_note` and `payments` are what has happened to it since; the rest never changes."""

    lines: tuple[InvoiceLine, ...]
    credit_note: CreditNote | None
    payments: tuple[Payment, ...]


class InvoicesQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`cursor` is the previous page's `next_cursor`. A customer sees their own, whatever `customer_id` says."""

    state: State | None = None
    customer_id: UUID | None = None
    appointment_id: UUID | None = None
    cursor: Cursor | None = None
    limit: PageSize = 50


class InvoicePage(Struct, frozen=True, kw_only=True):
    """Newest first. `next_cursor` is None on the last page."""

    invoices: tuple[InvoiceSummary, ...]
    next_cursor: str | None = None


class TrialBalance(Struct, frozen=True, kw_only=True):
    """All documents of a business in one currency, as the two sides of an account.

    Receivable is what invoices say is still due, less what is to be refunded; cash is what was paid; revenue is what
    invoice lines charged, less what credit notes took back.
    """

    currency: str
    receivable_minor: int
    cash_minor: int
    revenue_minor: int

    @property
    def difference_minor(self) -> int:
        """Zero, or the books are wrong."""
        return self.receivable_minor + self.cash_minor - self.revenue_minor
