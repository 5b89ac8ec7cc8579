"""Comparison of invoices with appointments."""

from datetime import timedelta

from contracts.scheduling.events import AppointmentBooked
from contracts.scheduling.models import Appointment
from monolith.modules.billing.api import AppointmentRecord
from monolith.shared.database import new_id
from tests.integration.billing.billed_business import Books


def standing(appointment: Appointment) -> AppointmentRecord:
    return AppointmentRecord(*(getattr(appointment, name) for name in AppointmentRecord._fields))


def wrong(books: Books, *appointments: Appointment) -> list[str]:
    """Return the discrepancies of the appointments."""
    known = {each.appointment_id: standing(each) for each in appointments}
    return list(books.api.discrepancies(books.business_id, known, list(known)).values())


def charged(books: Books) -> AppointmentBooked:
    books.price(4_505)
    booked = books.booked()
    books.tell(booked)
    return booked


def test_consistent_books_have_no_discrepancies(books: Books) -> None:
    booked, cancelled, missed = (charged(books) for _ in range(3))
    ended, never_came = books.cancelled(cancelled, fee_percent=30), books.no_show(missed, fee_percent=100)
    books.tell(ended)
    books.tell(never_came)
    assert wrong(books, booked.appointment, ended.appointment, never_came.appointment) == []
    told = {event.appointment.appointment_id for event in (booked, cancelled, missed)}
    assert books.api.invoiced_appointments(books.business_id) == told


def test_missing_invoice_is_reported(books: Books) -> None:
    books.price(4_505)
    assert wrong(books, books.booked().appointment) == ["is booked but has no invoice"]


def test_free_appointment_needs_no_invoice(books: Books) -> None:
    """Booked before the first price, booked at the price 0, or never more than a request."""
    free = books.booked()
    books.price(0)
    gratis = books.booked()
    books.price(4_505)
    declined = books.cancelled(books.booked())
    early = books.booked(booked_at=free.appointment.booked_at - timedelta(days=1))
    assert wrong(books, *(event.appointment for event in (free, gratis, declined, early))) == []


def test_invoice_without_an_appointment_is_reported(books: Books) -> None:
    booked = charged(books)
    lost = booked.appointment.appointment_id
    assert books.api.discrepancies(books.business_id, {}, [lost, new_id()]) == {
        lost: "has an invoice but does not exist"
    }


def test_missing_credit_is_reported(books: Books) -> None:
    ended = books.cancelled(charged(books), fee_percent=50)
    assert wrong(books, ended.appointment) == ["is cancelled, but 0 minor units were credited instead of 2253"]


def test_credit_for_an_active_appointment_is_reported(books: Books) -> None:
    booked = charged(books)
    books.tell(books.cancelled(booked))
    assert wrong(books, booked.appointment) == ["is booked, but 4505 minor units were credited instead of 0"]


def test_invoice_for_another_customer_is_reported(books: Books) -> None:
    booked = charged(books)
    known = {booked.appointment.appointment_id: standing(booked.appointment)._replace(customer_id=new_id())}
    assert list(books.api.discrepancies(books.business_id, known, list(known)).values()) == [
        "has an invoice for another customer"
    ]
