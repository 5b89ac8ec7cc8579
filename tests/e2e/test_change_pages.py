"""Pages for rescheduling, fees, the waitlist and its offers."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.e2e.booking_steps import choose, chosen_time, managed, times_page
from tests.e2e.browser import Browser
from tests.e2e.shared_demo import Product
from tests.e2e.shop import Customer, Shop, answered
from tests.e2e.test_pages import booked, sign_in
from tests.polling import eventually
from tests.site import Client


@pytest.fixture(params=["in_process", "http"])
def shop(product: Product, request: pytest.FixtureRequest) -> Shop:
    found: Shop = product.shops[request.param]
    return found


@pytest.fixture
def customer(product: Product, shop: Shop) -> Customer:
    return Customer(product.installation, shop)


@pytest.fixture
def browser(product: Product, shop: Shop, customer: Customer) -> Browser:
    """A browser for this customer only."""
    browser = Browser(product.installation.url)
    sign_in(browser, shop, customer)
    return browser


@pytest.fixture
def owner(product: Product, shop: Shop) -> Client:
    client = Client(product.installation.url)
    answered(client.log_in(f"owner@{shop.slug}.example"))
    return client


def test_customer_reschedules_to_a_listed_time(browser: Browser, product: Product, shop: Shop) -> None:
    before = booked(browser, product, shop)
    browser.follow("Choose another time")
    assert "You can move it free of charge until" in browser.page.text
    browser.open(next(link.address for link in browser.page.links if "&at=" in link.address))
    (button,) = [words for form in browser.page.forms for words in form.buttons if words.startswith("Move to")]
    form = browser.page.form(button)
    after = browser.send(form)
    assert after.url == before.url
    assert after.form("Cancel this appointment").fields["version"] == "3"
    assert browser.send(form).url == after.url, "submitting the form again repeats the same change"
    stale = browser.send(form, key=uuid4().hex)
    assert stale.status == 409
    assert "Choose another time" in stale.text


def test_late_change_shows_its_fee_and_whom_to_contact(browser: Browser, shop: Shop, owner: Client) -> None:
    """The service costs 42.00, and cancelling is free until one day before."""
    answered(owner.request("PATCH", f"/businesses/{shop.slug}", json={"phone": "+351 21 000 00 00"}))
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    chosen_time(browser, shop, tomorrow)
    assert "Not refundable: the free cancellation period has ended" in browser.page.text
    browser.submit("Book it")
    managed(browser)
    assert "Cancelling now costs 42.00 EUR." in browser.page.text
    eventually(lambda: "Contact +351 21 000 00 00" in browser.open(browser.page.url).text)
    browser.follow("Choose another time")
    assert "Moving this appointment now costs 42.00 EUR." in browser.page.text
    browser.follow("Keep the current time")
    assert "Fee 42.00 EUR" in browser.submit("Cancel this appointment").text


def test_waiting_customer_gets_a_freed_slot(
    browser: Browser, product: Product, shop: Shop, owner: Client, customer: Customer
) -> None:
    day = datetime.now(UTC).date() + timedelta(days=400)
    only = {"mode": "replace", "ranges": [{"opens": "10:00", "closes": "10:30"}]}
    path = f"/businesses/{shop.slug}/providers/{shop.provider_id}/overrides/{day}"
    answered(owner.request("PUT", path, json=only))
    other = Customer(product.installation, shop)
    (slot,) = answered(other.slots_on(day))["slots"]
    taken = answered(other.book(slot["starts_at"]))["appointment_id"]
    browser.open(times_page(shop, day))
    browser.follow("Join the waiting list")
    assert "You are on the waiting list" in browser.submit("Join the waiting list", last=str(day)).text
    appointments = browser.follow("My appointments").url
    assert "Waiting list Massage" in browser.page.text
    answered(other.cancel(taken))
    eventually(lambda: "View offer" in browser.open(appointments).text, seconds=10)
    customer.confirm_email(product.installation)
    eventually(lambda: bool(product.installation.appointment_mails_to(customer.email)), seconds=10)
    (mail,) = product.installation.appointment_mails_to(customer.email)
    assert mail.subject.startswith("Available: Massage")
    browser.follow("View offer")
    assert "This time is held for you" in browser.page.text
    confirm, back = browser.page.form("Confirm this appointment"), browser.page.form("Release this time")
    assert "You are booked" in browser.send(confirm).text
    assert browser.send(back).status == 409
    assert "View offer" not in browser.open(appointments).text


def test_leaving_the_waitlist_removes_the_entry(browser: Browser, shop: Shop, owner: Client) -> None:
    day = datetime.now(UTC).date() + timedelta(days=401)
    path = f"/businesses/{shop.slug}/providers/{shop.provider_id}/overrides/{day}"
    answered(owner.request("PUT", path, json={"mode": "close"}))
    browser.open(times_page(shop, day))
    browser.follow("Join the waiting list")
    browser.submit("Join the waiting list", last=str(day))
    assert "You have left the waiting list" in browser.submit("Leave the waiting list").text
    assert "Waiting list" not in browser.follow("My appointments").text


def test_request_shows_that_it_awaits_approval(browser: Browser, product: Product, owner: Client, shop: Shop) -> None:
    root = f"/businesses/{shop.slug}"
    keys = {"Idempotency-Key": uuid4().hex}
    fields = {"name": "Tattoo", "duration_minutes": 30, "requires_approval": True}
    offering = answered(owner.post(f"{root}/offerings", fields, headers=keys))["offering_id"]
    performs = {"offering_ids": [shop.offering_id, offering]}
    answered(owner.request("PUT", f"{root}/providers/{shop.provider_id}/offerings", json=performs))
    day = datetime.now(UTC).date() + timedelta(days=402)
    browser.open(f"/b/{shop.slug}?day={day}&offering={offering}")
    choose(browser)
    assert "must approve your request" in browser.page.text
    assert "Requested, not booked yet" in browser.submit("Request appointment").text
    browser.follow("My appointments")
    asked = browser.follow(f"{day:%a} {day.day} {day:%b}")
    assert "We have received your request" in asked.text
    appointment = asked.path.rpartition("/")[2]
    path = f"{root}/appointments/{appointment}/approve"
    answered(owner.post(path, {}, headers={"Idempotency-Key": uuid4().hex}))
    assert "You are booked" in browser.open(asked.url).text


def test_booking_without_a_provider_goes_to_a_free_one(browser: Browser, shop: Shop) -> None:
    day = datetime.now(UTC).date() + timedelta(days=403)
    chosen_time(browser, shop, day)
    assert "provider" not in browser.page.form("Book it").fields
    booked = browser.submit("Book it").text
    assert ("With Ada" in booked, "as soon as you have confirmed your address" in booked) == (True, True)
