"""The billing service: event handling, prices, invoices and payments."""

import hashlib
from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from sqlalchemy import Connection

from contracts.scheduling.events import (
    AnyEvent,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentNoShow,
    AppointmentRescheduled,
)
from monolith.modules.billing import ledger, reconciliation, repository
from monolith.modules.billing.charging import charge_bookings
from monolith.modules.billing.fees import fee_of
from monolith.modules.billing.model import (
    Invoice,
    InvoicePage,
    InvoicesQuery,
    InvoiceSummary,
    Payment,
    Price,
    PriceList,
    RecordPayment,
    SetPrice,
    TrialBalance,
)
from monolith.modules.billing.reconciliation import AppointmentRecord
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import ApiError
from monolith.shared.endpoints.errors import invalid_cursor


class BillingService:
    """Every method except `handle` may raise DatabaseUnavailable and, if it writes, CommitUnknown."""

    def __init__(self, database: ModuleDatabase) -> None:
        self._database = database

    def handle(self, events: Sequence[AnyEvent], connection: Connection) -> None:
        """Issue the documents that follow from events, in the caller's transaction. Idempotent.

        Holds, requests and changes before the cutoff are free of charge.
        """
        charge_bookings(connection, [event for event in events if isinstance(event, AppointmentBooked)])
        for event in events:
            match event:
                case AppointmentCancelled() | AppointmentNoShow():
                    _credit(event, connection)
                case AppointmentRescheduled() if event.fee_percent:
                    _charge_fee(event, connection)

    def prices(self, business_id: UUID) -> PriceList:
        with self._database.transaction(business_id) as connection:
            return PriceList(prices=tuple(repository.prices_now(connection, business_id)))

    def set_price(self, business_id: UUID, currency: str, wanted: SetPrice, set_by: UUID) -> Price:
        """Set the price from now on, by the database's clock. Setting the current price changes nothing."""
        with self._database.transaction(business_id) as connection:
            now = repository.price_now(connection, business_id, wanted.offering_id)
            if now is not None and (now.amount_minor, now.currency) == (wanted.amount_minor, currency):
                return now
            return repository.add_price(
                connection, business_id, wanted.offering_id, wanted.amount_minor, currency, set_by
            )

    def invoices(self, business_id: UUID, query: InvoicesQuery) -> InvoicePage:
        """Return a page of invoices, newest first. Raises ApiError 400 for an invalid cursor."""
        below = None if query.cursor is None else _position(query.cursor)
        with self._database.transaction(business_id) as connection:
            found = ledger.summaries(connection, business_id, query, below, query.limit + 1)
        page = tuple(found[: query.limit])
        return InvoicePage(invoices=page, next_cursor=str(page[-1].number) if len(found) > len(page) else None)

    def invoice(self, business_id: UUID, number: int, customer_id: UUID | None = None) -> Invoice:
        """Return an invoice; with `customer_id`, only that customer's. Raises ApiError 404."""
        with self._database.transaction(business_id) as connection:
            found = ledger.summary(connection, business_id, number)
            if found is None or customer_id not in (None, found.customer_id):
                raise _no_such_invoice()
            return ledger.details(connection, business_id, found)

    def record_payment(
        self, business_id: UUID, number: int, wanted: RecordPayment, recorded_by: UUID, key: str
    ) -> Payment:
        """Record a payment, once per user and key.

        Raises ApiError: 404 for an unknown invoice, 409 for more than is due, 422 for a key of a different payment.
        """
        request_hash = hashlib.sha256(msgspec.json.encode([number, wanted])).digest()
        with self._database.transaction(business_id) as connection:
            repository.lock_invoice(connection, business_id, number)
            known = repository.payment_of_key(connection, business_id, recorded_by, key)
            if known is None:
                _require_due(ledger.summary(connection, business_id, number), wanted.amount_minor)
                repository.add_payment(
                    connection, business_id, number, wanted.amount_minor, wanted.note, recorded_by, key, request_hash
                )
                known = repository.payment_of_key(connection, business_id, recorded_by, key)
            return _same_payment(known, request_hash)

    def trial_balance(self, business_id: UUID) -> Sequence[TrialBalance]:
        """Return one balance per currency; each `difference_minor` is zero if the books are consistent."""
        with self._database.transaction(business_id) as connection:
            return ledger.trial_balances(connection, business_id)

    def invoiced_appointments(self, business_id: UUID) -> set[UUID]:
        """Return the appointments that have ever been invoiced."""
        with self._database.transaction(business_id) as connection:
            return reconciliation.invoiced_appointments(connection, business_id)

    def discrepancies(
        self, business_id: UUID, appointments: Mapping[UUID, AppointmentRecord], checked: Sequence[UUID]
    ) -> dict[UUID, str]:
        """Describe, by appointment, where invoices and appointments disagree. The ids in `checked` need not exist.

        An event that has not been consumed yet looks like a discrepancy: repeat the check for the ones found.
        """
        with self._database.transaction(business_id) as connection:
            return reconciliation.discrepancies(connection, business_id, appointments, checked)


def _credit(event: AppointmentCancelled | AppointmentNoShow, connection: Connection) -> None:
    """Credit the invoice, if there is one, less the fee. Holds and requests have no invoice."""
    business_id, ended = event.business_id, event.appointment
    charged = ledger.summary_of_price(connection, business_id, ended.appointment_id)
    if charged is None:
        return
    repository.lock_invoice(connection, business_id, charged.number)
    amount = charged.total_minor - fee_of(charged.total_minor, ended.fee_percent)
    if amount and charged.credited_minor == 0:
        repository.add_credit_note(connection, business_id, charged.number, charged.currency, amount)


def _charge_fee(event: AppointmentRescheduled, connection: Connection) -> None:
    """Invoice the fee for a late change, once per change; a later cancellation does not credit it."""
    business_id, moved = event.business_id, event.appointment
    charged = ledger.summary_of_price(connection, business_id, moved.appointment_id)
    fee = 0 if charged is None else fee_of(charged.total_minor, event.fee_percent)
    if charged is None or fee == 0:
        return
    if not repository.is_charged(connection, business_id, moved.appointment_id, moved.version):
        description = f"{moved.offering_name}: late change"
        repository.add_invoice(connection, event, "late_change", description, fee, charged.currency)


def _require_due(found: InvoiceSummary | None, amount_minor: int) -> None:
    if found is None:
        raise _no_such_invoice()
    if amount_minor > found.due_minor:
        message = f"Only {found.due_minor} minor units of {found.currency} are due on invoice {found.number}."
        raise ApiError(409, "exceeds_amount_due", message, field="amount_minor")


def _same_payment(known: tuple[Payment, bytes] | None, request_hash: bytes) -> Payment:
    if known is None or known[1] != request_hash:
        raise ApiError(422, "idempotency_key_reused", "This Idempotency-Key was already used for a different payment.")
    return known[0]


def _no_such_invoice() -> ApiError:
    return ApiError(404, "not_found", "There is no such invoice.")


def _position(cursor: str) -> int:
    if cursor.isdecimal() and cursor.isascii() and len(cursor) <= 18:
        return int(cursor)
    raise invalid_cursor()
