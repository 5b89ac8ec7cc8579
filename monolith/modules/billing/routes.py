"""The module's endpoints of the JSON API."""

from typing import Any
from uuid import UUID

import msgspec

from monolith.modules.billing.model import (
    Invoice,
    InvoicePage,
    InvoicesQuery,
    Payment,
    Price,
    PriceList,
    RecordPayment,
    SetPrice,
)
from monolith.modules.billing.service import BillingService
from monolith.shared.endpoints import Access, AnyEndpoint, ApiError, Call, Endpoint

MODULE = "billing"
_PRICES = "/businesses/{slug}/prices"
_INVOICES = "/businesses/{slug}/invoices"


def endpoints(service: BillingService) -> list[AnyEndpoint]:
    handlers = _Handlers(service)
    return [
        Endpoint(
            module=MODULE, name="list_prices", method="GET", path=_PRICES, access=Access.PUBLIC,
            handler=handlers.list_prices, reply=PriceList,
            summary="List the current price of each service",
        ),
        Endpoint(
            module=MODULE, name="set_price", method="PUT", path=_PRICES, access=Access.STAFF,
            handler=handlers.set_price, body=SetPrice, reply=Price,
            summary="Set the price of a service from now on; existing bookings keep theirs",
        ),
        Endpoint(
            module=MODULE, name="list_invoices", method="GET", path=_INVOICES, access=Access.MEMBER,
            handler=handlers.list_invoices, query=InvoicesQuery, reply=InvoicePage,
            summary="List invoices, newest first; customers see only their own",
        ),
        Endpoint(
            module=MODULE, name="get_invoice", method="GET", path=_INVOICES + "/{number}", access=Access.MEMBER,
            handler=handlers.get_invoice, reply=Invoice,
            summary="Return an invoice with its lines, credit note and payments", errors=[(404, "not_found")],
        ),
        Endpoint(
            module=MODULE, name="record_payment", method="POST", path=_INVOICES + "/{number}/payments",
            access=Access.STAFF, handler=handlers.record_payment, body=RecordPayment, reply=Payment, status=201,
            needs_key=True, summary="Record a payment received for an invoice",
            errors=[(404, "not_found"), (409, "exceeds_amount_due")],
        ),
    ]  # fmt: skip


class _Handlers:
    def __init__(self, service: BillingService) -> None:
        self._service = service

    def list_prices(self, call: Call[None]) -> PriceList:
        return self._service.prices(call.require_business().business_id)

    def set_price(self, call: Call[SetPrice]) -> Price:
        business = call.require_business()
        return self._service.set_price(
            business.business_id, business.currency, call.body, call.require_principal().user_id
        )

    def list_invoices(self, call: Call[None]) -> InvoicePage:
        query: InvoicesQuery = call.query
        own = _visible_customer(call)
        if own is not None:
            query = msgspec.structs.replace(query, customer_id=own)
        return self._service.invoices(call.require_business().business_id, query)

    def get_invoice(self, call: Call[None]) -> Invoice:
        return self._service.invoice(call.require_business().business_id, _number(call), _visible_customer(call))

    def record_payment(self, call: Call[RecordPayment]) -> Payment:
        assert call.idempotency_key is not None
        business_id, user_id = call.require_business().business_id, call.require_principal().user_id
        return self._service.record_payment(business_id, _number(call), call.body, user_id, call.idempotency_key)


def _visible_customer(call: Call[Any]) -> UUID | None:
    """Return the customer to whose invoices the caller is restricted; None for staff."""
    principal = call.require_principal()
    return principal.user_id if principal.role_in(call.require_business().business_id) == "customer" else None


def _number(call: Call[Any]) -> int:
    """Parse the invoice number. A malformed number raises the same ApiError 404 as an unknown one."""
    text = call.path["number"]
    if text.isascii() and text.isdecimal() and len(text) <= 18:
        return int(text)
    raise ApiError(404, "not_found", "There is no such invoice.")
