"""Invariants that the database enforces: tenant isolation, immutable documents, matching sums."""

from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from monolith.shared.database import new_id
from tests.integration.billing.billed_business import Admin, Books

TENANT_TABLES = ["price", "number_series", "invoice", "invoice_line", "credit_note", "payment"]
ISSUED = ["price", "invoice", "invoice_line", "credit_note", "payment"]


@pytest.fixture
def full(books: Books) -> Books:
    """Books with a row in every table."""
    books.price(5_000)
    booked = books.booked()
    books.tell(booked)
    books.pay(1, 1_000)
    books.tell(books.cancelled(booked))
    return books


def execute(books: Books, statement: str, **values: Any) -> int:
    with books.database.transaction(books.business_id) as connection:
        return int(connection.execute(text(statement), values).rowcount)


def refused(books: Books, statement: str, **values: Any) -> psycopg.Error:
    with pytest.raises(DBAPIError) as caught:
        execute(books, statement, **values)
    assert isinstance(caught.value.orig, psycopg.Error)
    return caught.value.orig


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_business_sees_only_its_own_rows(full: Books, table: str) -> None:
    count = text(f"SELECT count(*) FROM billing.{table}")
    seen = {}
    for whose, business_id in (("own", full.business_id), ("another's", new_id()), ("nobody's", None)):
        with full.database.transaction(business_id) as connection:
            seen[whose] = connection.execute(count).scalar_one()
    assert seen["own"] > 0
    assert (seen["another's"], seen["nobody's"]) == (0, 0)


def test_business_cannot_write_rows_of_another(full: Books) -> None:
    error = refused(
        full,
        "INSERT INTO billing.number_series VALUES (:other, 'invoice', 1)",
        other=new_id(),
    )
    assert isinstance(error, psycopg.errors.InsufficientPrivilege)


def test_row_security_applies_to_the_owner(admin: Admin) -> None:
    forced = admin.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'billing'::regnamespace AND relkind = 'r'"
        " AND relrowsecurity AND relforcerowsecurity"
    )
    assert sorted(str(row[0]) for row in forced) == sorted(TENANT_TABLES)


@pytest.mark.parametrize("table", ISSUED)
@pytest.mark.parametrize("change", ["UPDATE billing.{} SET business_id = business_id", "DELETE FROM billing.{}"])
def test_issued_documents_are_immutable(full: Books, admin: Admin, table: str, change: str) -> None:
    statement = change.format(table)
    assert isinstance(refused(full, statement), psycopg.errors.InsufficientPrivilege)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        admin.execute(statement)


@pytest.mark.parametrize("table", ISSUED)
def test_tables_cannot_be_truncated(full: Books, admin: Admin, table: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        admin.execute(f"TRUNCATE billing.{table} CASCADE")


def test_start_of_a_price_cannot_be_set(full: Books) -> None:
    error = refused(
        full,
        "INSERT INTO billing.price (business_id, price_id, offering_id, amount_minor, currency, set_by, valid_from)"
        " VALUES (:id, :id, :id, 1, 'CHF', :id, now() - interval '1 year')",
        id=full.business_id,
    )
    assert isinstance(error, psycopg.errors.InsufficientPrivilege)


def test_line_cannot_be_added_to_an_issued_invoice(full: Books) -> None:
    error = refused(
        full,
        "INSERT INTO billing.invoice_line VALUES (:id, 1, 2, 'More', :id, 100)",
        id=full.business_id,
    )
    assert isinstance(error, psycopg.errors.CheckViolation)
    assert "do not make its total" in str(error)


def test_credit_note_cannot_exceed_its_invoice(full: Books) -> None:
    second = full.charge(700)
    error = refused(
        full,
        "INSERT INTO billing.credit_note (business_id, number, invoice_number, currency, amount_minor)"
        " VALUES (:id, 2, :number, 'CHF', 701)",
        id=full.business_id,
        number=second.number,
    )
    assert isinstance(error, psycopg.errors.CheckViolation)
    assert error.diag.constraint_name == "credit_within_total"


@pytest.mark.parametrize(("version", "constraint"), [(1, "invoice_of_appointment"), (2, "invoice_of_price")])
def test_price_of_an_appointment_is_charged_once(full: Books, version: int, constraint: str) -> None:
    error = refused(
        full,
        "INSERT INTO billing.invoice (business_id, number, appointment_id, appointment_version, customer_id, currency,"
        " total_minor) SELECT business_id, 2, appointment_id, :version, customer_id, currency, 1 FROM billing.invoice",
        version=version,
    )
    assert isinstance(error, psycopg.errors.UniqueViolation)
    assert error.diag.constraint_name == constraint


def test_database_rejects_overpayment(full: Books) -> None:
    number = full.charge(700).number
    error = refused(
        full,
        "INSERT INTO billing.payment"
        " (business_id, payment_id, invoice_number, amount_minor, note, recorded_by, idempotency_key, request_hash)"
        " VALUES (:id, :id, :number, 701, '', :id, 'k', '')",
        id=full.business_id,
        number=number,
    )
    assert isinstance(error, psycopg.errors.CheckViolation)
    assert error.diag.constraint_name == "payment_within_due"


def test_billing_role_cannot_read_other_schemas(full: Books) -> None:
    for table in ("auth.account", "scheduling.appointment", "notifications.message"):
        assert isinstance(refused(full, f"SELECT 1 FROM {table}"), psycopg.errors.InsufficientPrivilege)
