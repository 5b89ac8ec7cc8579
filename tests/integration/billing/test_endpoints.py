"""Billing endpoints of the JSON API over HTTP, with real sessions."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests

from monolith.modules.billing.module import build_billing
from monolith.shared.database import ModuleDatabase
from tests.databases import Databases
from tests.integration.billing.billed_business import Books
from tests.site import Client, Site, auth_site

PRICES = "/businesses/salon/prices"
INVOICES = "/businesses/salon/invoices"


@pytest.fixture
def site(databases: Databases, database: ModuleDatabase) -> Iterator[Site]:
    with auth_site(databases, endpoints=build_billing(database).endpoints) as site:
        yield site


@pytest.fixture
def owner(site: Site) -> Client:
    client = site.client()
    assert client.sign_up("salon").status_code == 201
    return client


@pytest.fixture
def salon(site: Site, owner: Client, books: Books) -> Books:
    """The books of the owner's business, whose service costs 45.00."""
    found = site.auth.api.business_by_slug("salon")
    assert found is not None
    books.business_id = found.business_id
    answer = set_price(owner, books.offering_id, 4_500)
    assert answer.status_code == 200, answer.text
    return books


@pytest.fixture
def customer(site: Site, owner: Client) -> Client:
    client = site.client()
    assert client.join("salon", "cleo@example.com").status_code < 300
    assert client.log_in("cleo@example.com").status_code == 200
    return client


def set_price(client: Client, offering_id: object, amount_minor: object, **further: object) -> requests.Response:
    body = {"offering_id": str(offering_id), "amount_minor": amount_minor} | further
    return client.request("PUT", PRICES, json=body)


def pay(client: Client, number: object, body: object, key: str | None = None) -> requests.Response:
    return client.post(f"{INVOICES}/{number}/payments", body, headers={"Idempotency-Key": key or uuid4().hex})


def user_id(site: Site, email: str) -> UUID:
    (row,) = site.sql("SELECT user_id FROM auth.account WHERE %s IN (email, unconfirmed_email)", email)
    found: UUID = row[0]
    return found


def charge(salon: Books, customer_id: UUID | None = None) -> None:
    salon.tell(salon.booked(customer_id=customer_id))


def test_prices_are_public_and_set_by_staff(site: Site, owner: Client, salon: Books) -> None:
    (price,) = site.client().get(PRICES).json()["prices"]
    assert (price["offering_id"], price["amount_minor"], price["currency"]) == (str(salon.offering_id), 4_500, "EUR")
    assert set_price(owner, salon.offering_id, 5_000).json()["amount_minor"] == 5_000
    assert site.client().get(PRICES).json()["prices"][0]["amount_minor"] == 5_000


def test_customers_and_strangers_cannot_set_prices(site: Site, salon: Books, customer: Client) -> None:
    assert set_price(customer, salon.offering_id, 1).status_code == 403
    assert set_price(site.client(), salon.offering_id, 1).status_code == 401


@pytest.mark.parametrize("amount", [-1, 1_000_000_001, 10.5, "10", True, None])
def test_price_must_be_an_integer_within_bounds(owner: Client, salon: Books, amount: object) -> None:
    answer = set_price(owner, salon.offering_id, amount)
    assert answer.status_code == 400
    assert answer.json()["field"] == "amount_minor"


@pytest.mark.parametrize("field", ["currency", "valid_from", "business_id"])
def test_extra_fields_of_a_price_are_refused(owner: Client, salon: Books, field: str) -> None:
    answer = set_price(owner, salon.offering_id, 1, **{field: "x"})
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_staff_see_all_invoices_and_customers_only_their_own(
    site: Site, owner: Client, salon: Books, customer: Client
) -> None:
    cleo = user_id(site, "cleo@example.com")
    charge(salon, cleo)
    charge(salon)
    assert [each["number"] for each in owner.get(INVOICES).json()["invoices"]] == [2, 1]
    assert [each["number"] for each in customer.get(INVOICES).json()["invoices"]] == [1]
    others = customer.get(INVOICES, params={"customer_id": str(uuid4())}).json()
    assert [each["number"] for each in others["invoices"]] == [1]
    assert site.client().get(INVOICES).status_code == 401


def test_invoice_includes_lines_payments_and_credit_note(owner: Client, salon: Books) -> None:
    booked = salon.booked()
    salon.tell(booked)
    assert pay(owner, 1, {"amount_minor": 500, "note": "in cash"}).status_code == 201
    salon.tell(salon.cancelled(booked))
    invoice = owner.get(f"{INVOICES}/1").json()
    assert (invoice["state"], invoice["total_minor"], invoice["refund_due_minor"]) == ("refund_due", 4_500, 500)
    assert [line["amount_minor"] for line in invoice["lines"]] == [4_500]
    assert [(payment["amount_minor"], payment["note"]) for payment in invoice["payments"]] == [(500, "in cash")]
    assert (invoice["credit_note"]["number"], invoice["credit_note"]["amount_minor"]) == (1, 4_500)


@pytest.mark.parametrize("number", ["1", "2", "0", "-1", "1e3", "x", "9" * 30])
def test_invoice_of_another_customer_is_not_found(salon: Books, customer: Client, number: str) -> None:
    charge(salon)
    answer = customer.get(f"{INVOICES}/{number}")
    assert answer.status_code == 404
    assert (answer.json()["code"], answer.json()["detail"]) == ("not_found", "There is no such invoice.")


def test_invoices_of_another_business_are_forbidden(site: Site, salon: Books) -> None:
    charge(salon)
    rival = site.client()
    assert rival.sign_up("rival").status_code == 201
    assert rival.get(INVOICES).status_code == 403
    assert rival.get(f"{INVOICES}/1").status_code == 403
    assert rival.get("/businesses/rival/invoices/1").status_code == 404
    assert pay(rival, 1, {"amount_minor": 1}).status_code == 403


def test_invoices_are_paged_by_cursor(owner: Client, salon: Books) -> None:
    for _ in range(3):
        charge(salon)
    first = owner.get(INVOICES, params={"limit": 2}).json()
    second = owner.get(INVOICES, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [each["number"] for each in first["invoices"] + second["invoices"]] == [3, 2, 1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    "query, field",
    [
        ({"state": "open' OR 1=1 --"}, "state"),
        ({"sort": "number; DROP TABLE billing.invoice"}, "sort"),
        ({"limit": "201"}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"customer_id": "1"}, "customer_id"),
        ({"cursor": "../1"}, "cursor"),
        ({"cursor": "abc"}, "cursor"),
    ],
)
def test_invalid_filter_is_refused(owner: Client, salon: Books, query: dict[str, str], field: str) -> None:
    answer = owner.get(INVOICES, params=query)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_payment_is_recorded_once_per_key(owner: Client, salon: Books) -> None:
    charge(salon)
    first = pay(owner, 1, {"amount_minor": 4_000}, "a-key")
    again = pay(owner, 1, {"amount_minor": 4_000}, "a-key")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    other = pay(owner, 1, {"amount_minor": 500}, "a-key")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    more = pay(owner, 1, {"amount_minor": 501})
    assert (more.status_code, more.json()["code"]) == (409, "exceeds_amount_due")
    assert owner.get(f"{INVOICES}/1").json()["due_minor"] == 500


def test_payment_requires_a_key_and_staff(site: Site, owner: Client, salon: Books, customer: Client) -> None:
    charge(salon, user_id(site, "cleo@example.com"))
    without = owner.post(f"{INVOICES}/1/payments", {"amount_minor": 1})
    assert (without.status_code, without.json()["field"]) == (400, "Idempotency-Key")
    assert pay(customer, 1, {"amount_minor": 1}).status_code == 403
    assert pay(site.client(), 1, {"amount_minor": 1}).status_code == 401


@pytest.mark.parametrize(
    "body, field",
    [
        ({"amount_minor": 0}, "amount_minor"),
        ({"amount_minor": -5}, "amount_minor"),
        ({"amount_minor": 1.0}, "amount_minor"),
        ({}, "amount_minor"),
        ({"amount_minor": 1, "state": "paid"}, "state"),
        ({"amount_minor": 1, "currency": "USD"}, "currency"),
        ({"amount_minor": 1, "note": "x" * 501}, "note"),
        ({"amount_minor": 1, "note": "a\r\nb"}, "note"),
    ],
)
def test_invalid_payment_field_is_named(owner: Client, salon: Books, body: Any, field: str) -> None:
    charge(salon)
    answer = pay(owner, 1, body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert owner.get(f"{INVOICES}/1").json()["paid_minor"] == 0
