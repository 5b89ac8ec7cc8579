"""A business that is charged and pays while its billing moves, and the ledger of what was acknowledged."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID, uuid4

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import new_trace
from contracts.scheduling.context import SYSTEM, Actor, CallContext
from contracts.scheduling.errors import SchedulingError
from contracts.scheduling.events import AnyEvent
from monolith.modules.billing.api import InvoiceSummary
from monolith.shared.database import new_id
from tests.integration.billing.billed_business import Books
from tests.polling import eventually
from tests.second_extraction.billing_port import BillingPort, ListInvoices, RecordEvent, RecordPayment, SetPrice

T = TypeVar("T")

PRICE = 2500
_CALL_SECONDS = 5.0
_CALLS_PER_WRITE = 20


@dataclass(frozen=True)
class ChargedBusiness:
    """Writes have a key each, and are repeated with it while their outcome is unknown or a retry may succeed."""

    business_id: UUID = field(default_factory=new_id)
    offering_id: UUID = field(default_factory=new_id)
    staff_id: UUID = field(default_factory=new_id)

    @property
    def _events(self) -> Books:
        return Books(NotImplemented, NotImplemented, self.business_id, self.offering_id, self.staff_id)

    def set_price(self, billing: BillingPort) -> None:
        price = SetPrice(offering_id=self.offering_id, amount_minor=PRICE, currency="CHF")
        self._write(lambda ctx: billing.set_price(ctx, price))

    def charge(self, billing: BillingPort) -> UUID:
        """Tell billing of a booked appointment, and return its id."""
        booked = self._events.booked()
        self._tell(billing, booked)
        return booked.appointment.appointment_id

    def charge_and_cancel(self, billing: BillingPort) -> UUID:
        """Tell billing of an appointment that was booked and then cancelled in time."""
        booked = self._events.booked()
        self._tell(billing, booked)
        self._tell(billing, self._events.cancelled(booked))
        return booked.appointment.appointment_id

    def pay(self, billing: BillingPort, number: int) -> None:
        payment = RecordPayment(number=number, amount_minor=PRICE)
        self._write(lambda ctx: billing.record_payment(ctx, payment), Actor("staff", self.staff_id))

    def invoice_of(self, billing: BillingPort, appointment_id: UUID) -> InvoiceSummary:
        (found,) = billing.list_invoices(self._context(), ListInvoices(appointment_id=appointment_id)).invoices
        return found

    def invoices(self, billing: BillingPort) -> Iterator[InvoiceSummary]:
        """Yield every invoice, newest first."""
        page = billing.list_invoices(self._context(), ListInvoices(limit=200))
        yield from page.invoices
        while page.next_cursor is not None:
            page = billing.list_invoices(self._context(), ListInvoices(limit=200, cursor=page.next_cursor))
            yield from page.invoices

    def _tell(self, billing: BillingPort, event: AnyEvent) -> None:
        self._write(lambda ctx: billing.record_event(ctx, RecordEvent(event=event)))

    def _write(self, call: Callable[[CallContext], T], actor: Actor = SYSTEM) -> T:
        key = uuid4().hex
        for _ in range(_CALLS_PER_WRITE - 1):
            try:
                return call(self._context(key, actor))
            except SchedulingError as error:
                if not error.retryable:
                    raise
        return call(self._context(key, actor))

    def _context(self, key: str | None = None, actor: Actor = SYSTEM) -> CallContext:
        return CallContext(self.business_id, actor, Deadline.after(_CALL_SECONDS), new_trace(), key)


@dataclass
class Ledger:
    """The appointments whose billing was acknowledged: paid, or cancelled and credited."""

    paid: dict[UUID, int] = field(default_factory=dict)
    credited: list[UUID] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    @property
    def paid_minor(self) -> int:
        return PRICE * len(self.paid)

    def wait_for(self, more: int) -> None:
        """Return once `more` appointments were paid from now on. Raises the error of a writer that failed."""
        wanted = len(self.paid) + more
        eventually(lambda: self.failures or len(self.paid) >= wanted, "the next payments")
        if self.failures:
            raise self.failures[0]

    def check(self, billing: BillingPort, business: ChargedBusiness) -> None:
        """Assert that each acknowledged write is in the books, once, and nothing else is."""
        assert self.failures == []
        books = list(business.invoices(billing))
        numbers = [invoice.number for invoice in reversed(books)]
        assert numbers == list(range(1, len(books) + 1)), "numbers have no gap, and none is used twice"
        assert {each.appointment_id: each.number for each in books if each.state == "paid"} == self.paid
        credited = [each.appointment_id for each in books if each.state == "credited"]
        assert sorted(credited) == sorted(self.credited)
        assert len(books) == len(self.paid) + len(self.credited)


@contextmanager
def writing(billing: BillingPort, business: ChargedBusiness, *, threads: int) -> Iterator[Ledger]:
    """Charge appointments, and pay or cancel them, in the background until the end of the block."""
    ledger, ending = Ledger(), threading.Event()

    def write() -> None:
        try:
            while not ending.is_set():
                ledger.credited.append(business.charge_and_cancel(billing))
                appointment = business.charge(billing)
                number = business.invoice_of(billing, appointment).number
                business.pay(billing, number)
                ledger.paid[appointment] = number
        except Exception as error:
            ledger.failures.append(error)

    writers = [threading.Thread(target=write) for _ in range(threads)]
    for writer in writers:
        writer.start()
    try:
        yield ledger
    finally:
        ending.set()
        for writer in writers:
            writer.join()
