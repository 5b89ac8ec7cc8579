"""Fees for late changes, and changes that are free of charge."""

import pytest
from msgspec.structs import replace

from contracts.scheduling import events
from contracts.scheduling.events import AppointmentBooked
from contracts.scheduling.models import AppointmentStatus
from monolith.shared.database import new_id
from tests.integration.billing.billed_business import Books


@pytest.fixture
def booked(books: Books) -> AppointmentBooked:
    """A booking that costs 45.05."""
    books.price(4_505)
    booked = books.booked()
    books.tell(booked)
    return booked


@pytest.mark.parametrize("ends", ["cancelled", "no_show"])
@pytest.mark.parametrize(
    ("fee_percent", "credited", "due", "state"),
    [(0, 4_505, 0, "credited"), (30, 3_154, 1_351, "open"), (50, 2_253, 2_252, "open"), (100, 0, 4_505, "open")],
)
def test_cancellation_credits_the_price_less_the_fee(
    books: Books, booked: AppointmentBooked, ends: str, fee_percent: int, credited: int, due: int, state: str
) -> None:
    ended = getattr(books, ends)(booked, fee_percent=fee_percent)
    for _ in range(2):
        books.tell(ended)
    invoice = books.invoice(booked)
    assert invoice is not None
    assert (invoice.credited_minor, invoice.due_minor, invoice.state) == (credited, due, state)
    assert (invoice.credit_note is None) == (credited == 0)


def test_payment_beyond_the_fee_is_due_as_a_refund(books: Books, booked: AppointmentBooked) -> None:
    books.pay(1, 4_505)
    books.tell(books.cancelled(booked, fee_percent=20))
    invoice = books.invoice(booked)
    assert invoice is not None
    assert (invoice.state, invoice.due_minor, invoice.refund_due_minor) == ("refund_due", 0, 3_604)


def test_paid_fee_leaves_nothing_due(books: Books, booked: AppointmentBooked) -> None:
    books.tell(books.cancelled(booked, fee_percent=20))
    books.pay(1, 901)
    invoice = books.invoice(booked)
    assert invoice is not None
    assert (invoice.state, invoice.due_minor, invoice.refund_due_minor) == ("paid", 0, 0)


def test_each_late_change_has_its_own_invoice(books: Books, booked: AppointmentBooked) -> None:
    first = books.rescheduled(booked, fee_percent=10)
    second = books.rescheduled(first)
    third = books.rescheduled(second, fee_percent=100)
    for event in (first, first, second, third, third):
        books.tell(event)
    assert books.fees(booked) == [450, 4_505]
    (line,) = books.api.invoice(books.business_id, 2).lines
    assert (line.description, line.amount_minor) == ("Cut & <b>dye</b>: late change", 450)
    assert [each.subject for each in books.invoices(booked)] == ["late_change", "late_change", "appointment"]


def test_cancellation_does_not_credit_earlier_fees(books: Books, booked: AppointmentBooked) -> None:
    moved = books.rescheduled(booked, fee_percent=10)
    for event in (moved, books.cancelled(booked)):
        books.tell(event)
    assert [each.state for each in books.invoices(booked)] == ["open", "credited"]


def test_price_and_fee_are_per_seat(books: Books) -> None:
    books.price(1_000)
    booked = books.booked(seats=3)
    for event in (booked, books.rescheduled(booked, fee_percent=50)):
        books.tell(event)
    invoice = books.invoice(booked)
    assert invoice is not None
    assert (invoice.total_minor, invoice.lines[0].description) == (3_000, "Cut & <b>dye</b> × 3")
    assert books.fees(booked) == [1_500]


def test_free_offering_has_no_fee(books: Books) -> None:
    free = books.booked()
    for event in (free, books.rescheduled(free, fee_percent=100), books.no_show(free, fee_percent=100)):
        books.tell(event)
    assert books.numbers() == []


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (events.AppointmentHeld, "held"),
        (events.AppointmentExpired, "expired"),
        (events.AppointmentRequested, "pending"),
        (events.AppointmentDeclined, "declined"),
        (events.AppointmentCancelled, "cancelled"),
    ],
)
def test_holds_and_requests_cost_nothing(books: Books, kind: type[events.Event], status: AppointmentStatus) -> None:
    books.price(5_000)
    appointment = replace(books.booked().appointment, appointment_id=new_id(), status=status, fee_percent=100)
    books.tell(books.happened(kind, appointment))
    assert books.numbers() == []


def test_hold_is_charged_on_confirmation(books: Books) -> None:
    books.price(5_000)
    confirmed = books.booked(version=2)
    held = replace(confirmed.appointment, status="held", version=1)
    for event in (books.happened(events.AppointmentHeld, held), confirmed, confirmed):
        books.tell(event)
    assert books.numbers() == [1]


def test_completion_changes_nothing(books: Books, booked: AppointmentBooked) -> None:
    completed = replace(booked.appointment, status="completed", version=2)
    books.tell(books.happened(events.AppointmentCompleted, completed))
    invoice = books.invoice(booked)
    assert invoice is not None
    assert (invoice.state, invoice.due_minor) == ("open", 4_505)
