"""Private calendar feeds of a provider and of a customer, on both adapters."""

import re
from datetime import UTC, datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import requests
from icalendar import Calendar

from monolith.cutover.scheduling_flag import AdapterName
from tests.e2e.browser import Browser
from tests.e2e.shared_demo import Product
from tests.e2e.shop import Customer, answered, confirm_owner
from tests.site import PASSWORD, Client


@pytest.mark.parametrize("adapter", ["in_process", "http"])
def test_feed_of_a_provider_follows_each_change_until_it_is_revoked(product: Product, adapter: AdapterName) -> None:
    shop, customer = product.shops[adapter], Customer(product.installation, product.shops[adapter])
    first, second = (
        each["starts_at"] for each in answered(customer.slots_on(product.own_day(near=True)))["slots"][:3:2]
    )
    booked = answered(customer.book(first))["appointment_id"]
    confirm_owner(product.installation, shop)
    office = Browser(product.installation.url)
    calendars = f"/office/{shop.slug}/providers/{shop.provider_id}/calendars"
    office.open(calendars)
    office.submit("Sign in", email=f"owner@{shop.slug}.example", password=PASSWORD)
    calendar, free_busy = addresses(office.submit("Create a feed", name="My phone").text)
    busy, _ = addresses(office.submit("Create a feed", name="Family", detail="busy").text)
    assert addresses(office.open(calendars).text) == [], "addresses are shown once"

    shown = entry(calendar, booked)
    assert shown == {
        "SUMMARY": "Massage: Cleo Customer",
        "SEQUENCE": "0",
        "STATUS": "CONFIRMED",
        "start": datetime.fromisoformat(first).astimezone(ZoneInfo("Europe/Lisbon")),
    }
    hidden = entry(busy, booked)
    assert hidden is not None
    assert hidden["SUMMARY"] == "Busy"
    assert b"Cleo" not in requests.get(busy, timeout=30).content
    assert any(start <= datetime.fromisoformat(first) < end for start, end in busy_times(free_busy))

    answered(customer.reschedule(booked, second))
    moved = entry(calendar, booked)
    assert moved == shown | {"SEQUENCE": "1", "start": datetime.fromisoformat(second)}
    answered(customer.cancel(booked))
    assert entry(calendar, booked) is None

    office.open(calendars)
    office.send(next(form for form in office.page.forms if "Revoke" in form.buttons))
    assert "The address no longer works." in office.page.text
    assert {requests.get(each, timeout=30).status_code for each in (calendar, free_busy)} == {404}
    assert requests.get(busy, timeout=30).status_code == 200


def test_feed_of_a_customer_shows_own_appointments_until_the_account_is_deleted(product: Product) -> None:
    shop = product.shops["http"]
    customer, other = Customer(product.installation, shop), Customer(product.installation, shop)
    slots = answered(customer.slots_on(product.own_day(near=True)))["slots"]
    booked = answered(customer.book(slots[0]["starts_at"]))["appointment_id"]
    others = answered(other.book(slots[2]["starts_at"]))["appointment_id"]
    customer.confirm_email(product.installation)
    pages = Browser(product.installation.url)
    pages.open("/account/calendars")
    pages.submit("Sign in", email=customer.email, password=PASSWORD)
    calendar, free_busy = addresses(pages.submit("Create a feed").text)
    shown = entry(calendar, booked)
    assert shown is not None
    assert shown["SUMMARY"] == "Massage with Ada"
    assert entry(calendar, others) is None
    assert len(busy_times(free_busy)) == 1

    feeds = f"/businesses/{shop.slug}/calendar-feeds"
    refused = customer.client.post(feeds, {"provider_id": shop.provider_id})
    assert refused.status_code == 403, "only staff see a provider's appointments"
    (listed,) = answered(customer.client.get(feeds))["feeds"]
    assert listed["last_read_at"] is not None
    assert answered(other.client.get(feeds))["feeds"] == []
    assert other.client.delete(f"{feeds}/{listed['feed_id']}").status_code == 404
    assert customer.client.post("/me/delete", {"current_password": PASSWORD}).status_code == 204
    assert requests.get(calendar, timeout=30).status_code == 404


def test_a_stranger_prepares_no_calendar_feed_for_the_owner_of_an_address(product: Product) -> None:
    shop, stranger = product.shops["in_process"], Client(product.installation.url)
    assert stranger.join(shop.slug, "somebody.else@example.org").status_code == 201
    refused = stranger.post(f"/businesses/{shop.slug}/calendar-feeds", {"name": "mine"})
    assert (refused.status_code, refused.json()["code"]) == (403, "email_unconfirmed")
    pages = Browser(product.installation.url)
    pages.open("/account/calendars")
    pages.submit("Sign in", email="somebody.else@example.org", password=PASSWORD)
    assert "Confirm your e-mail address first" in pages.submit("Create a feed").text


def test_a_stranger_prepares_nothing_for_the_owner_of_a_business(product: Product) -> None:
    """The owner of the address may take the account over, with the business; feeds and webhooks would go on."""
    stranger, slug = Client(product.installation.url), "prepared-by-a-stranger"
    assert stranger.sign_up(slug).status_code == 201
    business, key = f"/businesses/{slug}", {"Idempotency-Key": str(uuid4())}
    provider = {"name": "Ada", "zone": "Europe/Lisbon"}
    provider_id = answered(stranger.post(f"{business}/providers", provider, headers=key))["provider_id"]
    refused = [
        stranger.post(f"{business}/calendar-feeds", {"provider_id": provider_id, "detail": "full"}),
        stranger.post(f"{business}/webhooks", {"name": "mine", "url": "https://example.org/"}),
    ]
    assert [(each.status_code, each.json()["code"]) for each in refused] == [(403, "email_unconfirmed")] * 2
    office = Browser(product.installation.url)
    office.open(f"/office/{slug}/webhooks")
    office.submit("Sign in", email=f"owner@{slug}.example", password=PASSWORD)
    page = office.submit("Add the webhook", name="mine", url="https://example.org/", event="appointment.booked")
    assert "Confirm your e-mail address first" in page.text
    assert stranger.get(f"{business}/webhooks").json()["webhooks"] == []


def addresses(text: str) -> list[str]:
    """Return the addresses of feeds on a page."""
    return re.findall(r"http://\S+token=cal_[\w-]{43}", text)


def read(address: str) -> Calendar:
    """Return the calendar at an address, as a program without cookies reads it."""
    response = requests.get(address, timeout=30)
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"
    calendar = Calendar.from_ical(response.content)
    assert isinstance(calendar, Calendar)
    return calendar


def entry(address: str, appointment_id: str) -> dict[str, object] | None:
    """Return the entry of an appointment in a feed; None if there is none."""
    for event in read(address).walk("VEVENT"):
        if str(event["UID"]) == appointment_id:
            assert str(event.decoded("DTSTART").tzinfo) == "UTC", "a local time is ambiguous when summer time ends"
            shown = {name: str(event[name]) for name in ("SUMMARY", "SEQUENCE", "STATUS")}
            return shown | {"start": event.decoded("DTSTART")}
    return None


def busy_times(address: str) -> list[tuple[datetime, datetime]]:
    """Return the busy times in a feed."""
    (component,) = read(address).walk("VFREEBUSY")
    lines = component.to_ical().decode().replace("\r\n ", "").splitlines()
    times = [line.partition(":")[2].split("/") for line in lines if line.startswith("FREEBUSY")]
    return [(_utc(start), _utc(end)) for start, end in times]


def _utc(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
