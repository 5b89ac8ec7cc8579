"""The in-process adapter of billing's port: the module itself, with the errors of the contract."""

from typing import Any, cast

from sqlalchemy.exc import DBAPIError

from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import (
    InvalidRequest,
    KeyReused,
    NotOwner,
    OutcomeUnknown,
    SchedulingError,
    Unavailable,
)
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.validation import require_key
from monolith.modules.billing import api
from monolith.shared.database import CommitUnknown, DatabaseUnavailable, ModuleDatabase
from monolith.shared.endpoints import ApiError
from tests.second_extraction import billing_port as port

NOT_OWNER = "BL001"
"""The error code of the trigger that refuses a write without a lease."""


class InProcessBilling(port.BillingPort):
    """Thread-safe. A write to a database that does not own the business changes nothing and raises NotOwner."""

    def __init__(self, database: ModuleDatabase) -> None:
        self._database = database
        self._billing = api.BillingApi(database)

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        try:
            return cast(R, self._perform(ctx, request))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != NOT_OWNER:
                raise
            raise NotOwner("This database does not own the invoices of this business.") from error
        except ApiError as error:
            raise _to_contract_error(error) from error
        except DatabaseUnavailable as error:
            raise Unavailable(error.message, error.retry_after) from error
        except CommitUnknown as error:
            raise OutcomeUnknown(error.message) from error

    def ping(self) -> None:
        """Raise Unavailable unless the database answers."""
        try:
            self._database.ping()
        except DatabaseUnavailable as error:
            raise Unavailable(error.message, error.retry_after) from error

    def _perform(self, ctx: CallContext, request: Any) -> Any:
        business, actor = ctx.business_id, ctx.actor.id
        match request:
            case port.SetPrice():
                wanted = api.SetPrice(offering_id=request.offering_id, amount_minor=request.amount_minor)
                return port.PriceSet(price=self._billing.set_price(business, request.currency, wanted, actor))
            case port.RecordEvent():
                with self._database.transaction(business) as connection:
                    self._billing.handle([request.event], connection)
                return port.EventRecorded()
            case port.ListInvoices():
                page = self._billing.invoices(
                    business,
                    api.InvoicesQuery(
                        appointment_id=request.appointment_id, cursor=request.cursor, limit=request.limit
                    ),
                )
                return port.InvoiceList(invoices=page.invoices, next_cursor=page.next_cursor)
            case port.RecordPayment():
                paid = api.RecordPayment(amount_minor=request.amount_minor, note=request.note)
                key = require_key(ctx.idempotency_key)
                payment = self._billing.record_payment(business, request.number, paid, actor, key)
                return port.PaymentRecorded(payment=payment)
        raise TypeError(f"no operation of billing takes {type(request).__name__}")


def _to_contract_error(error: ApiError) -> SchedulingError:
    """Return an error that the wire format knows: errors of billing's own would be added to `contracts`."""
    return KeyReused(error.message) if error.status == 422 else InvalidRequest(error.message, error.field)
