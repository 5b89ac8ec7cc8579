"""What follows from an event, and what people decide and see."""

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
from monolith.shared.database import Database
from monolith.shared.endpoints import ApiError
from monolith.shared.endpoints.errors import invalid_cursor


class BillingService:
    """Every method but `handle` may raise DatabaseUnavailable and, when it writes, CommitUnknown."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def handle(self, event: AnyEvent, connection: Connection) -> None:
        """Part of the caller's transaction. Applied twice, an event has one effect. Holds, requests and what became
        of them cost nothing, and neither does a change in time."""
        match event:
            case AppointmentBooked():
                _charge(event, connection)
            case AppointmentCancelled() | AppointmentNoShow():
                _credit(event, connection)
            case AppointmentRescheduled():
                _charge_fee(event, connection)

    def prices(self, business_id: UUID) -> PriceList:
        with self._database.transaction(business_id) as connection:
            return PriceList(prices=tuple(repository.prices_now(connection, business_id)))

    def set_price(self, business_id: UUID, currency: str, wanted: SetPrice, set_by: UUID) -> Price:
        """From now on, by the database's clock. Setting the price that is in force changes nothing."""
        with self._database.transaction(business_id) as connection:
            now = repository.price_now(connection, business_id, wanted.offering_id)
            if now is not None and (now.amount_minor, now.currency) == (wanted.amount_minor, currency):
                return now
            return repository.add_price(
                connection, business_id, wanted.offering_id, wanted.amount_minor, currency, set_by
            )

    def invoices(self, business_id: UUID, query: InvoicesQuery) -> InvoicePage:
        """Newest first. Raises ApiError for a cursor that no page gave."""
        below = None if query.cursor is None else _position(query.cursor)
        with self._database.transaction(business_id) as connection:
            found = ledger.summaries(connection, business_id, query, below, query.limit + 1)
        page = tuple(found[: query.limit])
        return InvoicePage(invoices=page, next_cursor=str(page[-1].number) if len(found) > len(page) else None)

    def invoice(self, business_id: UUID, number: int, customer_id: UUID | None = None) -> Invoice:
        """With `customer_id`, only if it is that customer's. Raises ApiError 404."""
        with self._database.transaction(business_id) as connection:
            found = ledger.summary(connection, business_id, number)
            if found is None or customer_id not in (None, found.customer_id):
                raise _no_such_invoice()
            return ledger.details(connection, business_id, found)

    def record_payment(
        self, business_id: UUID, number: int, wanted: RecordPayment, recorded_by: UUID, key: str
    ) -> Payment:
        """Once per key of the person who records it. Raises ApiError: 404; 409 for more than is due; 422 for a key
        that stands for another payment."""
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
            return _same(known, request_hash)

    def trial_balance(self, business_id: UUID) -> Sequence[TrialBalance]:
        """One per currency; each `difference_minor` is zero, or the books are wrong."""
        with self._database.transaction(business_id) as connection:
            return ledger.trial_balances(connection, business_id)

    def invoiced_appointments(self, business_id: UUID) -> set[UUID]:
        """All that were ever invoiced."""
        with self._database.transaction(business_id) as connection:
            return reconciliation.invoiced_appointments(connection, business_id)

    def discrepancies(
        self, business_id: UUID, appointments: Mapping[UUID, AppointmentRecord], asked: Sequence[UUID]
    ) -> dict[UUID, str]:
        """Where invoices and appointments do not tell the same story, in words, by appointment; of those in `asked`,
        which need not exist. An event that is still on its way looks like one: ask again for what was found."""
        with self._database.transaction(business_id) as connection:
            return reconciliation.discrepancies(connection, business_id, appointments, asked)


def _charge(event: AppointmentBooked, connection: Connection) -> None:
    """For each seat the price of the instant of booking. What has no price, or the price 0, gets no invoice."""
    booked, business_id = event.appointment, event.business_id
    price = repository.price_at(connection, business_id, booked.offering_id, booked.booked_at)
    if price is None or price.amount_minor == 0:
        return
    if ledger.summary_of_price(connection, business_id, booked.appointment_id) is None:
        seats = f" × {booked.seats}" if booked.seats > 1 else ""
        amount, description = price.amount_minor * booked.seats, booked.offering_name + seats
        repository.add_invoice(connection, business_id, booked, "appointment", description, amount, price.currency)


def _credit(event: AppointmentCancelled | AppointmentNoShow, connection: Connection) -> None:
    """What is not kept as the fee, if there is an invoice: a hold or a request that ends has none."""
    business_id, ended = event.business_id, event.appointment
    charged = ledger.summary_of_price(connection, business_id, ended.appointment_id)
    if charged is None:
        return
    repository.lock_invoice(connection, business_id, charged.number)
    amount = charged.total_minor - fee_of(charged.total_minor, ended.fee_percent)
    if amount and charged.credited_minor == 0:
        repository.add_credit_note(connection, business_id, charged.number, charged.currency, amount)


def _charge_fee(event: AppointmentRescheduled, connection: Connection) -> None:
    """An invoice of its own, once for this change. It stands whatever becomes of the appointment."""
    business_id, moved = event.business_id, event.appointment
    charged = ledger.summary_of_price(connection, business_id, moved.appointment_id)
    fee = 0 if charged is None else fee_of(charged.total_minor, event.fee_percent)
    if charged is None or fee == 0:
        return
    if not repository.is_charged(connection, business_id, moved.appointment_id, moved.version):
        description = f"{moved.offering_name}: late change"
        repository.add_invoice(connection, business_id, moved, "late_change", description, fee, charged.currency)


def _require_due(found: InvoiceSummary | None, amount_minor: int) -> None:
    if found is None:
        raise _no_such_invoice()
    if amount_minor > found.due_minor:
        message = f"Only {found.due_minor} minor units of {found.currency} are due on invoice {found.number}."
        raise ApiError(409, "exceeds_amount_due", message, field="amount_minor")


def _same(known: tuple[Payment, bytes] | None, request_hash: bytes) -> Payment:
    if known is None or known[1] != request_hash:
        raise ApiError(422, "idempotency_key_reused", "This Idempotency-Key was already used for a different payment.")
    return known[0]


def _no_such_invoice() -> ApiError:
    return ApiError(404, "not_found", "There is no such invoice.")


def _position(cursor: str) -> int:
    if cursor.isdecimal() and cursor.isascii() and len(cursor) <= 18:
        return int(cursor)
    raise invalid_cursor()
