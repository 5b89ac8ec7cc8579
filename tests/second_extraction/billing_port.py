# The typed methods have no bodies; their decorator implements them.
# mypy: disable-error-code="empty-body"
"""The port of billing, declared as scheduling's is, and a form of it that delegates to any implementation."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from contracts.chassis.values import Cursor, Note, PageSize
from contracts.scheduling.context import CallContext
from contracts.scheduling.events import AnyEvent
from contracts.scheduling.models.kinds import Reply, Request
from contracts.scheduling.operations import (
    STAFF,
    SYSTEM_ONLY,
    AnyOperation,
    Operation,
    Port,
    Q,
    R,
    declared_operations,
    operation,
)
from monolith.modules.billing.api import InvoiceSummary, Payment, Price


class SetPrice(Request, frozen=True, kw_only=True):
    offering_id: UUID
    amount_minor: Annotated[int, Meta(ge=0)]
    currency: str


class PriceSet(Reply, frozen=True, kw_only=True):
    price: Price


class RecordEvent(Request, frozen=True, kw_only=True):
    event: AnyEvent


class EventRecorded(Reply, frozen=True, kw_only=True):
    """The documents that follow from the event are issued."""


class ListInvoices(Request, frozen=True, kw_only=True):
    appointment_id: UUID | None = None
    cursor: Cursor | None = None
    limit: PageSize = 50


class InvoiceList(Reply, frozen=True, kw_only=True):
    invoices: tuple[InvoiceSummary, ...]
    next_cursor: str | None = None


class RecordPayment(Request, frozen=True, kw_only=True):
    number: Annotated[int, Meta(ge=1)]
    amount_minor: Annotated[int, Meta(ge=1)]
    note: Note = ""


class PaymentRecorded(Reply, frozen=True, kw_only=True):
    payment: Payment


class BillingPort(Port):
    """The part of billing's API that the rest of the product needs while a business is charged and pays."""

    @operation("PUT", "/v1/prices", STAFF)
    def set_price(self, ctx: CallContext, request: SetPrice) -> PriceSet:
        """Set the price of an offering from now on."""

    @operation("POST", "/v1/events", SYSTEM_ONLY)
    def record_event(self, ctx: CallContext, request: RecordEvent) -> EventRecorded:
        """Issue the documents that follow from an event of scheduling, once."""

    @operation("GET", "/v1/invoices", STAFF)
    def list_invoices(self, ctx: CallContext, request: ListInvoices) -> InvoiceList:
        """Return a page of invoices, newest first."""

    @operation("POST", "/v1/payments", STAFF)
    def record_payment(self, ctx: CallContext, request: RecordPayment) -> PaymentRecorded:
        """Record a payment, once per actor and key."""


OPERATIONS: tuple[AnyOperation, ...] = declared_operations(BillingPort)


class Billing(BillingPort):
    """The typed operations over an adapter that performs any operation: over HTTP, or switched."""

    def __init__(self, adapter: Port) -> None:
        self._adapter = adapter

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        return self._adapter.call(operation, ctx, request)
