"""One booking journey through the JSON API, indistinguishable behind both adapters."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
import requests

from monolith.cutover.scheduling_flag import AdapterName
from tests.e2e.demo import Installation
from tests.e2e.shared_demo import Product
from tests.e2e.shop import PRICE_MINOR, Customer, answered
from tests.polling import eventually

ADAPTERS: tuple[AdapterName, AdapterName] = ("in_process", "http")
APPOINTMENTS = "SELECT count(*) FROM scheduling.appointment WHERE business_id = %s"
OUTBOX = "SELECT count(*) FROM scheduling.outbox WHERE business_id = %s"
KEYS = "SELECT count(*) FROM scheduling.idempotency WHERE business_id = %s"


@dataclass(frozen=True)
class Journey:
    """The replies of the journey, without values that differ between bookings."""

    replies: list[tuple[int, object]]
    invoices: list[tuple[str, int, int]]
    mails: list[str]
    invitations: list[str]
    events: list[tuple[str, int]]


@pytest.fixture(scope="module")
def journeys(product: Product) -> dict[AdapterName, Journey]:
    day = product.own_day()
    return {
        adapter: journey(product.installation, Customer(product.installation, product.shops[adapter]), day)
        for adapter in ADAPTERS
    }


@pytest.mark.parametrize("told", list(Journey.__dataclass_fields__))
def test_both_adapters_give_the_same_replies(journeys: dict[AdapterName, Journey], told: str) -> None:
    assert getattr(journeys["in_process"], told) == getattr(journeys["http"], told)


def test_replies_of_the_journey(journeys: dict[AdapterName, Journey]) -> None:
    seen = journeys["http"]
    assert [status for status, _ in seen.replies] == [200, 201, 201, 409, 400, 404, 200, 409, 200, 409, 200, 200]
    assert seen.invoices == [("credited", PRICE_MINOR, 0)]
    assert [mail.partition(":")[0] for mail in seen.mails] == ["Booked", "Moved", "Cancelled"]
    assert seen.invitations == ["REQUEST", "REQUEST", "CANCEL"]
    assert seen.events == [
        ("appointment.booked", 1),
        ("appointment.rescheduled", 2),
        ("appointment.cancelled", 3),
    ]


@pytest.mark.usefixtures("journeys")
@pytest.mark.parametrize("adapter, other", [ADAPTERS, ADAPTERS[::-1]])
@pytest.mark.parametrize("rows", [APPOINTMENTS, OUTBOX, KEYS])
def test_business_has_rows_in_its_own_database_only(
    product: Product, adapter: AdapterName, other: AdapterName, rows: str
) -> None:
    business_id = product.shops[adapter].business_id
    assert product.installation.sql(adapter, rows, business_id)[0][0] > 0
    assert product.installation.sql(other, rows, business_id) == [(0,)]


def journey(installation: Installation, customer: Customer, day: date) -> Journey:
    """Book, repeat the key, request a taken slot, send an error, reschedule, cancel twice."""
    found = customer.slots_on(day)
    first, second = (slot["starts_at"] for slot in answered(found)["slots"][:2])
    booked = customer.book(first, key="the-same-key")
    appointment_id = answered(booked)["appointment_id"]
    replies = [
        found,
        booked,
        customer.book(first, key="the-same-key"),
        customer.book(first),
        customer.book("not a time"),
        customer.cancel("00000000-0000-7000-8000-000000000000"),
        customer.reschedule(appointment_id, second),
        customer.reschedule(appointment_id, first),
        customer.cancel(appointment_id),
        customer.cancel(appointment_id),
        customer.appointments(),
    ]
    assert replies[1].json() == replies[2].json()
    eventually(lambda: states(customer) == ["credited"], "the credit note")
    customer.confirm_email(installation)
    eventually(lambda: len(installation.appointment_mails_to(customer.email)) == 3, "three mails")
    mails = installation.appointment_mails_to(customer.email)
    return Journey(
        replies=[(each.status_code, shape(each)) for each in [*replies, customer.invoices()]],
        invoices=[(i["state"], i["total_minor"], i["due_minor"]) for i in answered(customer.invoices())["invoices"]],
        mails=[mail.subject for mail in mails],
        invitations=[method_of(calendar) for mail in mails for calendar in mail.calendars],
        events=events_of(installation, customer, appointment_id),
    )


def states(customer: Customer) -> list[str]:
    return [invoice["state"] for invoice in answered(customer.invoices())["invoices"]]


def shape(response: requests.Response) -> object:
    """Return member names and types of a reply; for an error, also its text."""
    body = response.json()
    return kinds(body) if response.ok else {name: body.get(name) for name in ("code", "title", "detail", "field")}


def kinds(value: Any) -> object:
    if isinstance(value, dict):
        return {name: kinds(each) for name, each in value.items()}
    if isinstance(value, list):
        return [kinds(each) for each in value]
    return type(value).__name__


def method_of(calendar: str) -> str:
    (line,) = [line for line in calendar.splitlines() if line.startswith("METHOD:")]
    return line.removeprefix("METHOD:")


def events_of(installation: Installation, customer: Customer, appointment_id: str) -> list[tuple[str, int]]:
    """Return the published events, in order."""
    published = "SELECT payload FROM scheduling.outbox WHERE appointment_id = %s AND published_at IS NOT NULL"
    rows = installation.sql(customer.shop.adapter, f"{published} ORDER BY position", appointment_id)
    return [(event["type"], event["appointment"]["version"]) for event in (json.loads(row[0]) for row in rows)]
