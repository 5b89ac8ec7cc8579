"""Document numbers of a business have no gaps, even under concurrency and rollbacks."""

import random
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from monolith.modules.billing.api import InvoicesQuery
from monolith.shared.endpoints import ApiError
from tests.integration.billing.billed_business import Admin, Books

THREADS = 8
EACH = 15


class ChangedTheirMind(Exception):
    """Rolls a transaction back."""


def test_numbers_have_no_gaps_under_concurrency_and_rollbacks(books: Books, admin: Admin) -> None:
    books.price(5_000)

    def work(seed: int) -> int:
        chance = random.Random(seed)
        kept = 0
        for _ in range(EACH):
            kept += charge_or_roll_back(books, keep=chance.random() < 0.6, credit=chance.random() < 0.5)
        return kept

    with ThreadPoolExecutor(THREADS) as pool:
        kept = sum(pool.map(work, range(THREADS)))
    assert 0 < kept < THREADS * EACH
    assert numbers(admin, "invoice", books.business_id) == list(range(1, kept + 1))
    credited = numbers(admin, "credit_note", books.business_id)
    assert credited == list(range(1, len(credited) + 1))
    assert 0 < len(credited) < kept
    assert [balance.difference_minor for balance in books.api.trial_balance(books.business_id)] == [0]


def charge_or_roll_back(books: Books, *, keep: bool, credit: bool) -> bool:
    booked = books.booked()
    try:
        with books.database.transaction(books.business_id) as connection:
            books.api.handle([booked], connection)
            if credit:
                books.api.handle([books.cancelled(booked)], connection)
            if not keep:
                raise ChangedTheirMind
    except ChangedTheirMind:
        pass
    return keep


def numbers(admin: Admin, table: str, business_id: UUID) -> list[int]:
    query = f"SELECT number FROM billing.{table} WHERE business_id = %s ORDER BY number"
    return [int(str(row[0])) for row in admin.execute(query, (business_id,))]


def test_concurrent_handling_of_one_event_creates_one_invoice(books: Books) -> None:
    """The inbox serializes events; without it, the constraint still prevents a second invoice."""
    books.price(5_000)
    booked = books.booked()

    def attempt(_: int) -> bool:
        try:
            books.tell(booked)
        except IntegrityError as error:
            assert "invoice_of_appointment" in str(error)  # noqa: PT017
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        assert any(pool.map(attempt, range(THREADS)))
    assert books.numbers() == [1]
    assert books.charge().number == 2


def test_concurrent_payments_do_not_exceed_the_amount_due(books: Books) -> None:
    number = books.charge(5_000).number

    def attempt(_: int) -> bool:
        try:
            books.pay(number, 1_000)
        except ApiError as error:
            assert error.status == 409  # noqa: PT017
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(attempt, range(THREADS))) == 5
    assert books.api.invoice(books.business_id, number).state == "paid"


def test_concurrent_payments_with_one_key_record_one_payment(books: Books) -> None:
    number = books.charge(5_000).number
    with ThreadPoolExecutor(THREADS) as pool:
        payments = list(pool.map(lambda _: books.pay(number, 1_000, "key"), range(THREADS)))
    assert len({payment.payment_id for payment in payments}) == 1
    assert books.api.invoice(books.business_id, number).paid_minor == 1_000


def test_number_series_are_separate_per_business(books: Books) -> None:
    other = Books(books.database, books.api)
    assert [books.charge().number, other.charge().number, books.charge().number] == [1, 1, 2]
    assert other.api.invoices(other.business_id, InvoicesQuery()).invoices[0].number == 1


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(
            "INSERT INTO billing.number_series VALUES (:business, 'invoice', 1)", id="a number without an invoice"
        ),
        pytest.param("INSERT INTO billing.number_series VALUES (:business, 'credit_note', 7)", id="a jump"),
        pytest.param(
            "INSERT INTO billing.invoice (business_id, number, appointment_id, customer_id, currency, total_minor)"
            " VALUES (:business, 1, :business, :business, 'CHF', 100)",
            id="an invoice without lines",
        ),
    ],
)
def test_database_rejects_gaps_in_numbers(books: Books, statement: str) -> None:
    def attempt() -> None:
        with books.database.transaction(books.business_id) as connection:
            connection.execute(text(statement), {"business": books.business_id})

    with pytest.raises(IntegrityError) as caught:
        attempt()
    assert isinstance(caught.value.orig, psycopg.errors.CheckViolation)
