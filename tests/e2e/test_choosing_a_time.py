"""What a customer chooses is what is booked, once, and only while it is offered."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.e2e.browser import Browser
from tests.e2e.shared_demo import Product
from tests.e2e.shop import Customer, Shop, answered, furnished_shop, keyed
from tests.e2e.test_pages import sign_in
from tests.site import Client


@pytest.fixture
def shop(product: Product) -> Shop:
    """A business for this test only, with one provider, Ada, who performs Massage at any time."""
    return furnished_shop(product.installation.url, f"salon-{uuid4().hex[:8]}", "in_process")


@pytest.fixture
def owner(product: Product, shop: Shop) -> Client:
    client = Client(product.installation.url)
    answered(client.log_in(f"owner@{shop.slug}.example"))
    return client


@pytest.fixture
def customer(product: Product, shop: Shop) -> Customer:
    return Customer(product.installation, shop)


@pytest.fixture
def browser(product: Product, shop: Shop, customer: Customer) -> Browser:
    """A browser for this customer only."""
    browser = Browser(product.installation.url)
    sign_in(browser, shop, customer)
    return browser


def test_times_belong_to_the_service_and_provider_shown_as_chosen(browser: Browser, shop: Shop, owner: Client) -> None:
    """Both are chosen by links, so no choice can be changed without its times being shown."""
    added_provider(owner, shop, "Ben", added_offering(owner, shop, "Sauna"))
    page = browser.open(f"/b/{shop.slug}?day={in_days(9)}")
    assert "<select" not in page.source
    assert "Massage on" in page.text
    assert f"Sauna on {in_days(9):%a}" in browser.follow("Sauna").text
    browser.follow("Ben")
    browser.submit("Show times", day=in_days(10).isoformat())
    assert f"Sauna on {in_days(10):%a}" in browser.page.text
    browser.open(next(link.address for link in browser.page.links if "/confirm?" in link.address))
    assert "Service Sauna, 30 minutes With Ben" in browser.page.text


def test_booking_again_after_going_back_books_once(
    browser: Browser, shop: Shop, owner: Client, customer: Customer
) -> None:
    """A second provider keeps the time bookable after the first booking."""
    added_provider(owner, shop, "Ben", shop.offering_id)
    confirm_page = a_time(browser, shop)
    first = browser.submit("Book it")
    assert "You are booked" in first.text
    browser.open(confirm_page)
    assert browser.submit("Book it").url == first.url
    browser.open(confirm_page)
    changed = browser.submit("Book it", note="a changed note")
    assert (changed.status, "You have already booked with this form" in changed.text) == (409, True)
    assert len(answered(customer.appointments())["appointments"]) == 1


def test_time_that_is_not_offered_cannot_be_confirmed(browser: Browser, shop: Shop, owner: Client) -> None:
    hours = [{"weekday": weekday, "opens": "09:00", "closes": "17:00"} for weekday in range(1, 8)]
    set_hours(owner, shop, hours)
    by_day, by_night = (f"{in_days(9)}T{hour}:00:00+00:00" for hour in ("11", "03"))
    assert any("Book it" in form.buttons for form in browser.open(confirm_address(shop, by_day)).forms)
    never = [by_night, f"{in_days(-9)}T11:00:00+00:00", "2999-12-31T23:59:59+00:00", f"{in_days(9)}T11:07:00+00:00"]
    for at in never:
        page = browser.open(confirm_address(shop, at))
        assert "This time is not available. Please choose another time." in page.text
        assert not any("Book it" in form.buttons for form in page.forms)
    assert f"Massage on {in_days(9):%a}" in browser.follow("Choose another time").text


def test_waitlist_is_offered_on_days_that_are_full_but_not_on_closed_ones(
    browser: Browser, shop: Shop, owner: Client, customer: Customer
) -> None:
    open_day, closed_day, holiday = in_days(9), in_days(10), in_days(16)
    hours = [{"weekday": open_day.isoweekday(), "opens": "10:00", "closes": "10:30"}]
    set_hours(owner, shop, hours)
    holidays = {"holidays": [{"date": holiday.isoformat(), "name": "Founder's day"}]}
    answered(owner.request("PUT", f"/businesses/{shop.slug}/holidays", json=holidays))
    (slot,) = answered(customer.slots_on(open_day))["slots"]
    answered(customer.book(slot["starts_at"]))
    assert offers_the_waitlist(browser, shop, open_day)
    assert not offers_the_waitlist(browser, shop, closed_day)
    assert not offers_the_waitlist(browser, shop, holiday)


def test_waitlist_is_not_offered_when_the_last_start_of_the_day_has_passed(
    browser: Browser, shop: Shop, owner: Client
) -> None:
    set_hours(owner, shop, [{"weekday": weekday, "opens": "00:00", "closes": "00:30"} for weekday in range(1, 8)])
    page = browser.open(f"/b/{shop.slug}?day=2020-01-01")
    assert "this page shows today" in page.text
    assert "Join the waiting list" not in page.text


def in_days(days: int) -> date:
    return datetime.now(UTC).date() + timedelta(days=days)


def added_offering(owner: Client, shop: Shop, name: str) -> str:
    body = {"name": name, "duration_minutes": 30}
    offering = answered(keyed(owner, f"/businesses/{shop.slug}/offerings", body))["offering_id"]
    performs(owner, shop, shop.provider_id, [shop.offering_id, offering])
    return str(offering)


def added_provider(owner: Client, shop: Shop, name: str, offering_id: str) -> None:
    body = {"name": name, "zone": "Europe/Lisbon"}
    provider = answered(keyed(owner, f"/businesses/{shop.slug}/providers", body))["provider_id"]
    performs(owner, shop, provider, [offering_id])
    hours = [{"weekday": weekday, "opens": "00:00", "closes": "24:00"} for weekday in range(1, 8)]
    path = f"/businesses/{shop.slug}/providers/{provider}/weekly-hours"
    answered(owner.request("PUT", path, json={"ranges": hours}))


def performs(owner: Client, shop: Shop, provider_id: str, offering_ids: list[str]) -> None:
    path = f"/businesses/{shop.slug}/providers/{provider_id}/offerings"
    answered(owner.request("PUT", path, json={"offering_ids": offering_ids}))


def set_hours(owner: Client, shop: Shop, hours: list[dict[str, object]]) -> None:
    path = f"/businesses/{shop.slug}/providers/{shop.provider_id}/weekly-hours"
    answered(owner.request("PUT", path, json={"ranges": hours}))


def a_time(browser: Browser, shop: Shop) -> str:
    """Open the confirmation page of a free time, and return its address."""
    page = browser.open(f"/b/{shop.slug}?day={in_days(9)}")
    return browser.open(next(link.address for link in page.links if "/confirm?" in link.address)).url


def confirm_address(shop: Shop, at: str) -> str:
    return f"/b/{shop.slug}/confirm?offering={shop.offering_id}&at={quote(at)}"


def offers_the_waitlist(browser: Browser, shop: Shop, day: date) -> bool:
    page = browser.open(f"/b/{shop.slug}?day={day}")
    assert "No times are available on this day" in page.text
    return "Join the waiting list" in page.text
