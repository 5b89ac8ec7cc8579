"""What a booking costs, what a cancellation gives back, and what is left to pay."""

import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from monolith.modules.billing.api import InvoicesQuery, RecordPayment
from monolith.shared.database import new_id
from monolith.shared.endpoints import ApiError
from tests.integration.billing.bookkeeping import Books


def test_a_booking_is_charged_at_its_price(books: Books) -> None:
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
def test_what_has_no_price_is_free_and_takes_no_number(books: Books, amount_minor: int | None) -> None:
    if amount_minor is not None:
        books.price(amount_minor)
    free = books.booked()
    books.tell(free)
    books.tell(books.cancelled(free))
    assert books.invoice(free) is None
    assert books.charge().number == 1


def test_the_price_of_the_booking_counts_not_the_price_of_its_handling(books: Books) -> None:
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


def test_a_price_may_be_withdrawn_and_come_back(books: Books) -> None:
    for amount in (1_000, 0, 1_000, 1_000):
        books.price(amount)
        time.sleep(0.01)
        booked = books.booked()
        books.tell(booked)
        assert (books.invoice(booked) is None) == (amount == 0)


def test_setting_the_price_that_is_in_force_changes_nothing(books: Books) -> None:
    books.price(1_000)
    (first,) = books.api.prices(books.business_id).prices
    books.price(1_000)
    assert books.api.prices(books.business_id).prices == (first,)
    books.price(1_000, "EUR")
    assert [price.currency for price in books.api.prices(books.business_id).prices] == ["EUR"]


def test_the_price_list_has_one_entry_for_each_offering(books: Books) -> None:
    others = [new_id() for _ in range(3)]
    for round_ in (1, 2):
        for position, offering_id in enumerate(others):
            books.price(100 * round_ + position, offering_id=offering_id)
    listed = {price.offering_id: price.amount_minor for price in books.api.prices(books.business_id).prices}
    assert listed == {offering_id: 200 + position for position, offering_id in enumerate(others)}


def test_a_redelivered_event_has_one_effect(books: Books) -> None:
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


def test_a_cancellation_in_time_credits_the_whole_invoice(books: Books) -> None:
    books.price(4_500)
    booked = books.booked()
    books.tell(booked)
    books.tell(books.cancelled(booked))
    invoice = books.invoice(booked)
    assert invoice is not None
    assert invoice.credit_note is not None
    assert (invoice.state, invoice.due_minor, invoice.refund_due_minor) == ("credited", 0, 0)
    assert (invoice.credit_note.number, invoice.credit_note.amount_minor) == (1, 4_500)


def test_a_late_cancellation_and_a_new_time_leave_the_invoice_standing(books: Books) -> None:
    books.price(4_500)
    late, moved = books.booked(), books.booked()
    for event in (late, moved, books.cancelled(late, fee_percent=100), books.rescheduled(moved)):
        books.tell(event)
    for booked in (late, moved):
        invoice = books.invoice(booked)
        assert invoice is not None
        assert (invoice.state, invoice.due_minor) == ("open", 4_500)


def test_payments_lead_from_open_to_paid(books: Books) -> None:
    number = books.charge(5_000).number
    states = []
    for amount in (2_000, 2_999, 1):
        books.pay(number, amount)
        invoice = books.api.invoice(books.business_id, number)
        states.append((invoice.state, invoice.due_minor))
    assert states == [("partly_paid", 3_000), ("partly_paid", 1), ("paid", 0)]
    assert [payment.amount_minor for payment in invoice.payments] == [2_000, 2_999, 1]


def test_a_credited_invoice_that_was_paid_shows_the_refund(books: Books) -> None:
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


def test_nobody_pays_more_than_is_due(books: Books) -> None:
    number = books.charge(5_000).number
    books.pay(number, 4_000)
    with pytest.raises(ApiError) as caught:
        books.pay(number, 1_001)
    error = caught.value
    assert (error.status, error.code, error.field) == (409, "exceeds_amount_due", "amount_minor")
    assert "Only 1000 minor units of CHF are due on invoice 1" in error.message
    assert books.api.invoice(books.business_id, number).paid_minor == 4_000


def test_one_key_is_one_payment(books: Books) -> None:
    number, other = books.charge(5_000).number, books.charge(5_000).number
    first = books.pay(number, 3_000, "key")
    assert books.pay(number, 3_000, "key") == first
    for again in ((number, 2_000), (other, 3_000)):
        with pytest.raises(ApiError) as caught:
            books.pay(*again, "key")
        assert (caught.value.status, caught.value.code) == (422, "idempotency_key_reused")
    assert books.api.invoice(books.business_id, number).paid_minor == 3_000
    assert books.api.invoice(books.business_id, other).paid_minor == 0


def test_a_key_belongs_to_the_one_who_used_it(books: Books) -> None:
    number = books.charge(5_000).number
    first = books.pay(number, 1_000, "key")
    wanted = RecordPayment(amount_minor=1_000)
    second = books.api.record_payment(books.business_id, number, wanted, uuid4(), "key")
    assert second.payment_id != first.payment_id


def test_a_paid_invoice_answers_the_key_that_paid_it(books: Books) -> None:
    number = books.charge(5_000).number
    first = books.pay(number, 5_000, "key")
    assert books.pay(number, 5_000, "key") == first


@pytest.mark.parametrize("number", [2, 0, 10**17])
def test_an_unknown_invoice_is_not_found(books: Books, number: int) -> None:
    books.charge()
    for attempt in (lambda: books.api.invoice(books.business_id, number), lambda: books.pay(number, 1)):
        with pytest.raises(ApiError) as caught:
            attempt()
        assert caught.value.status == 404


def test_another_customers_invoice_is_as_if_absent(books: Books) -> None:
    invoice = books.charge()
    assert books.api.invoice(books.business_id, invoice.number, invoice.customer_id) == invoice
    with pytest.raises(ApiError) as caught:
        books.api.invoice(books.business_id, invoice.number, uuid4())
    assert (caught.value.status, caught.value.message) == (404, "There is no such invoice.")


def test_pages_follow_each_other_without_gap_or_overlap(books: Books) -> None:
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
def test_a_cursor_of_nobody_is_refused(books: Books, cursor: str) -> None:
    with pytest.raises(ApiError) as caught:
        books.api.invoices(books.business_id, InvoicesQuery(cursor=cursor))
    assert (caught.value.status, caught.value.field) == (400, "cursor")


def test_filters_narrow_the_list(books: Books) -> None:
    paid, opened = books.charge(), books.charge()
    books.pay(paid.number, 5_000)

    def listed(query: InvoicesQuery) -> list[int]:
        return [invoice.number for invoice in books.api.invoices(books.business_id, query).invoices]

    assert listed(InvoicesQuery(state="paid")) == [paid.number]
    assert listed(InvoicesQuery(state="open")) == [opened.number]
    assert listed(InvoicesQuery(state="refund_due")) == []
    assert listed(InvoicesQuery(customer_id=opened.customer_id)) == [opened.number]
    assert listed(InvoicesQuery(customer_id=opened.customer_id, state="paid")) == []


def test_a_booking_of_long_ago_has_the_price_of_its_day(books: Books) -> None:
    """An event that was kept from us for a week is charged as if it had come at once."""
    books.price(5_000)
    old = books.booked(booked_at=datetime.now(UTC) - timedelta(days=7))
    books.tell(old)
    assert books.invoice(old) is None
