"""Invoices, credit notes and payments."""

import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from monolith.modules.billing.api import InvoicesQuery, RecordPayment
from monolith.shared.database import new_id
from monolith.shared.endpoints import ApiError
from tests.integration.billing.billed_business import Books


def test_booking_is_invoiced_at_its_price(books: Books) -> None:
    books.price(4_500)
    booked = books.booked()
    books.tell(booked)
    invoice = books.invoice(booked)
    assert invoice is not None
    assert (invoice.number, invoice.state, invoice.currency) == (1, "open", "CHF")
    assert (invoice.total_minor, invoice.due_minor, invoice.paid_minor, invoice.credited_minor) == (4_500, 4_500, 0, 0)
    assert invoice.customer_id == booked.appointment.customer_id
    (line,) = invoice.lines
    assert (line.description, line.amount_minor) == ("Cut & <b>dye</b>", 4_500)
    assert line.offering_id == books.offering_id


@pytest.mark.parametrize("amount_minor", [None, 0])
def test_free_offering_gets_no_invoice_number(books: Books, amount_minor: int | None) -> None:
    if amount_minor is not None:
        books.price(amount_minor)
    free = books.booked()
    books.tell(free)
    books.tell(books.cancelled(free))
    assert books.invoice(free) is None
    assert books.charge().number == 1


def test_price_at_the_time_of_booking_counts(books: Books) -> None:
    before = books.booked()
    books.price(1_000)
    time.sleep(0.01)
    cheap = books.booked()
    time.sleep(0.01)
    books.price(9_000)
    for event in (before, cheap):
        books.tell(event)
    assert books.invoice(before) is None
    invoice = books.invoice(cheap)
    assert invoice is not None
    assert invoice.total_minor == 1_000
    assert [price.amount_minor for price in books.api.prices(books.business_id).prices] == [9_000]


def test_price_can_be_removed_and_restored(books: Books) -> None:
    for amount in (1_000, 0, 1_000, 1_000):
        books.price(amount)
        time.sleep(0.01)
        booked = books.booked()
        books.tell(booked)
        assert (books.invoice(booked) is None) == (amount == 0)


def test_setting_the_current_price_changes_nothing(books: Books) -> None:
    books.price(1_000)
    (first,) = books.api.prices(books.business_id).prices
    books.price(1_000)
    assert books.api.prices(books.business_id).prices == (first,)
    books.price(1_000, "EUR")
    assert [price.currency for price in books.api.prices(books.business_id).prices] == ["EUR"]


def test_price_list_has_one_entry_per_offering(books: Books) -> None:
    others = [new_id() for _ in range(3)]
    for round_ in (1, 2):
        for position, offering_id in enumerate(others):
            books.price(100 * round_ + position, offering_id=offering_id)
    listed = {price.offering_id: price.amount_minor for price in books.api.prices(books.business_id).prices}
    assert listed == {offering_id: 200 + position for position, offering_id in enumerate(others)}


def test_redelivered_event_has_one_effect(books: Books) -> None:
    books.price(4_500)
    booked = books.booked()
    cancelled = books.cancelled(booked)
    for event in (booked, booked, cancelled, booked, cancelled):
        books.tell(event)
    assert books.numbers() == [1]
    invoice = books.invoice(booked)
    assert invoice is not None
    assert invoice.credit_note is not None
    assert invoice.credit_note.number == 1
    assert books.charge().number == 2


def test_timely_cancellation_credits_the_whole_invoice(books: Books) -> None:
    books.price(4_500)
    booked = books.booked()
    books.tell(booked)
    books.tell(books.cancelled(booked))
    invoice = books.invoice(booked)
    assert invoice is not None
    assert invoice.credit_note is not None
    assert (invoice.state, invoice.due_minor, invoice.refund_due_minor) == ("credited", 0, 0)
    assert (invoice.credit_note.number, invoice.credit_note.amount_minor) == (1, 4_500)


def test_late_cancellation_and_reschedule_keep_the_invoice(books: Books) -> None:
    books.price(4_500)
    late, moved = books.booked(), books.booked()
    for event in (late, moved, books.cancelled(late, fee_percent=100), books.rescheduled(moved)):
        books.tell(event)
    for booked in (late, moved):
        invoice = books.invoice(booked)
        assert invoice is not None
        assert (invoice.state, invoice.due_minor) == ("open", 4_500)


def test_payments_change_the_state_from_open_to_paid(books: Books) -> None:
    number = books.charge(5_000).number
    states = []
    for amount in (2_000, 2_999, 1):
        books.pay(number, amount)
        invoice = books.api.invoice(books.business_id, number)
        states.append((invoice.state, invoice.due_minor))
    assert states == [("partly_paid", 3_000), ("partly_paid", 1), ("paid", 0)]
    assert [payment.amount_minor for payment in invoice.payments] == [2_000, 2_999, 1]


def test_credited_paid_invoice_shows_the_refund_due(books: Books) -> None:
    books.price(5_000)
    booked = books.booked()
    books.tell(booked)
    books.pay(1, 2_000)
    books.tell(books.cancelled(booked))
    invoice = books.invoice(booked)
    assert invoice is not None
    assert (invoice.state, invoice.due_minor, invoice.refund_due_minor) == ("refund_due", 0, 2_000)
    with pytest.raises(ApiError, match="Only 0 minor units") as caught:
        books.pay(1, 1)
    assert caught.value.status == 409


def test_overpayment_is_refused(books: Books) -> None:
    number = books.charge(5_000).number
    books.pay(number, 4_000)
    with pytest.raises(ApiError) as caught:
        books.pay(number, 1_001)
    error = caught.value
    assert (error.status, error.code, error.field) == (409, "exceeds_amount_due", "amount_minor")
    assert "Only 1000 minor units of CHF are due on invoice 1" in error.message
    assert books.api.invoice(books.business_id, number).paid_minor == 4_000


def test_key_records_one_payment(books: Books) -> None:
    number, other = books.charge(5_000).number, books.charge(5_000).number
    first = books.pay(number, 3_000, "key")
    assert books.pay(number, 3_000, "key") == first
    for again in ((number, 2_000), (other, 3_000)):
        with pytest.raises(ApiError) as caught:
            books.pay(*again, "key")
        assert (caught.value.status, caught.value.code) == (422, "idempotency_key_reused")
    assert books.api.invoice(books.business_id, number).paid_minor == 3_000
    assert books.api.invoice(books.business_id, other).paid_minor == 0


def test_keys_are_separate_per_user(books: Books) -> None:
    number = books.charge(5_000).number
    first = books.pay(number, 1_000, "key")
    wanted = RecordPayment(amount_minor=1_000)
    second = books.api.record_payment(books.business_id, number, wanted, uuid4(), "key")
    assert second.payment_id != first.payment_id


def test_retried_payment_of_a_paid_invoice_returns_the_payment(books: Books) -> None:
    number = books.charge(5_000).number
    first = books.pay(number, 5_000, "key")
    assert books.pay(number, 5_000, "key") == first


@pytest.mark.parametrize("number", [2, 0, 10**17])
def test_unknown_invoice_is_not_found(books: Books, number: int) -> None:
    books.charge()
    for attempt in (lambda: books.api.invoice(books.business_id, number), lambda: books.pay(number, 1)):
        with pytest.raises(ApiError) as caught:
            attempt()
        assert caught.value.status == 404


def test_invoice_of_another_customer_is_not_found(books: Books) -> None:
    invoice = books.charge()
    assert books.api.invoice(books.business_id, invoice.number, invoice.customer_id) == invoice
    with pytest.raises(ApiError) as caught:
        books.api.invoice(books.business_id, invoice.number, uuid4())
    assert (caught.value.status, caught.value.message) == (404, "There is no such invoice.")


def test_pages_have_no_gaps_or_overlaps(books: Books) -> None:
    for _ in range(5):
        books.charge()
    seen: list[int] = []
    cursor = None
    while True:
        page = books.api.invoices(books.business_id, InvoicesQuery(limit=2, cursor=cursor))
        seen += [invoice.number for invoice in page.invoices]
        cursor = page.next_cursor
        if cursor is None:
            break
        books.charge()
    assert seen == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("cursor", ["x", "", "-1", "1" * 19, "²"])
def test_invalid_cursor_is_refused(books: Books, cursor: str) -> None:
    with pytest.raises(ApiError) as caught:
        books.api.invoices(books.business_id, InvoicesQuery(cursor=cursor))
    assert (caught.value.status, caught.value.field) == (400, "cursor")


def test_invoices_are_filtered(books: Books) -> None:
    paid, opened = books.charge(), books.charge()
    books.pay(paid.number, 5_000)

    def listed(query: InvoicesQuery) -> list[int]:
        return [invoice.number for invoice in books.api.invoices(books.business_id, query).invoices]

    assert listed(InvoicesQuery(state="paid")) == [paid.number]
    assert listed(InvoicesQuery(state="open")) == [opened.number]
    assert listed(InvoicesQuery(state="refund_due")) == []
    assert listed(InvoicesQuery(customer_id=opened.customer_id)) == [opened.number]
    assert listed(InvoicesQuery(customer_id=opened.customer_id, state="paid")) == []


def test_delayed_event_is_charged_at_the_price_of_its_time(books: Books) -> None:
    """An event that arrives a week late is charged at the price of its own time."""
    books.price(5_000)
    old = books.booked(booked_at=datetime.now(UTC) - timedelta(days=7))
    books.tell(old)
    assert books.invoice(old) is None
