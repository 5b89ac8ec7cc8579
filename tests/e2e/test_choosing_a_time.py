"""What a customer chooses is what is booked, once, and only while it is offered."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
import requests

from tests.e2e.booking_steps import choose, chosen_time, free_times, guest, time_form, times_page
from tests.e2e.browser import Browser, Page
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
    browser.open(f"/b/{shop.slug}")
    browser.follow("Sauna")
    browser.follow("Ben")
    page = browser.open(f"{browser.page.url}&day={in_days(10)}")
    assert "<select" not in page.source
    assert "Sauna , 30 minutes" in page.text
    choose(browser)
    assert "Service Sauna, 30 minutes" in browser.page.text
    assert "With Ben" in browser.page.text


def test_booking_again_after_going_back_books_once(
    browser: Browser, shop: Shop, owner: Client, customer: Customer
) -> None:
    """A second provider keeps the time bookable after the first booking."""
    added_provider(owner, shop, "Ben", shop.offering_id)
    details = chosen_time(browser, shop, in_days(9))
    form = details.form("Book it")
    first = browser.submit("Book it")
    assert "You are booked" in first.text
    assert browser.open(details.url).url == first.url, "the page of details leads to what was booked"
    assert browser.send(form, note="a changed note").url == first.url
    assert len(answered(customer.appointments())["appointments"]) == 1


def test_time_that_is_not_offered_cannot_be_held(browser: Browser, shop: Shop, owner: Client) -> None:
    hours = [{"weekday": weekday, "opens": "09:00", "closes": "17:00"} for weekday in range(1, 8)]
    set_hours(owner, shop, hours)
    browser.open(times_page(shop, in_days(9)))
    form = time_form(browser.page)
    by_night = f"{in_days(9)}T03:00:00+00:00"
    for at in (by_night, f"{in_days(-9)}T11:00:00+00:00", f"{in_days(9)}T11:07:00+00:00"):
        form.fields["at"] = at
        page = browser.send(form)
        assert (page.status, "This time is no longer available" in page.text) == (409, True)
        assert free_times(page), "the other times are still shown"
    details = browser.open(
        f"/b/{shop.slug}/details?offering={shop.offering_id}&at={in_days(9)}T03:00Z&key={uuid4().hex}"
    )
    assert (details.status, "Nearest free times" in details.text, "Book it" in details.text) == (409, True, False)


def test_visit_with_a_part_that_requires_approval_is_booked_in_part(
    product: Product, shop: Shop, owner: Client
) -> None:
    visitor = Browser(product.installation.url)
    tattoo = added_offering(owner, shop, "Tattoo", requires_approval=True)
    page = visitor.open(f"{times_page(shop, in_days(13))}&offering={tattoo}")
    at = list(time_form(page).values.values())[2][1]
    form = [("offering", shop.offering_id), ("offering", tattoo), ("key", uuid4().hex), ("at", at)]
    details = visitor.session.post(f"{visitor.site}/b/{shop.slug}/hold", data=form, timeout=30)
    assert "must approve: Tattoo" in details.text
    fields = {"key": Page(details).form("Book it").fields["key"], **guest()}
    booked = visitor.open(requests.post(details.url, data=fields, timeout=30).url).text
    assert ("Booked in part" in booked, "You are booked" in booked) == (True, False)
    assert booked.count("awaiting approval") == 2, "the explanation, and the one part"
    gone_back = visitor.open(details.url)
    assert gone_back.status == 409, "the address does not prove who has booked the time"
    assert "If you have just booked it, the confirmation is in your mail" in gone_back.text


def test_waitlist_accepts_days_that_are_full_but_not_closed_ones(
    browser: Browser, shop: Shop, owner: Client, customer: Customer
) -> None:
    open_day, closed_day, holiday = in_days(9), in_days(10), in_days(16)
    hours = [{"weekday": open_day.isoweekday(), "opens": "10:00", "closes": "10:30"}]
    set_hours(owner, shop, hours)
    holidays = {"holidays": [{"date": holiday.isoformat(), "name": "Founder's day"}]}
    answered(owner.request("PUT", f"/businesses/{shop.slug}/holidays", json=holidays))
    (slot,) = answered(customer.slots_on(open_day))["slots"]
    answered(customer.book(slot["starts_at"]))
    assert "no free times" in browser.open(times_page(shop, open_day)).text
    assert "or join the waiting list" in browser.page.text
    assert "or join the waiting list" not in browser.open(times_page(shop, closed_day)).text
    for refused in (closed_day, holiday):
        page = wait(browser, shop, refused)
        assert (page.status, "The business is not open on these days" in page.text) == (400, True)
    assert "You are on the waiting list" in wait(browser, shop, open_day).text


def test_waitlist_refuses_today_when_the_last_start_has_passed(browser: Browser, shop: Shop, owner: Client) -> None:
    set_hours(owner, shop, [{"weekday": weekday, "opens": "00:00", "closes": "00:30"} for weekday in range(1, 8)])
    assert "this page shows today" in browser.open(times_page(shop, in_days(-2000))).text
    assert wait(browser, shop, in_days(0)).status == 400


def in_days(days: int) -> date:
    return datetime.now(UTC).date() + timedelta(days=days)


def added_offering(owner: Client, shop: Shop, name: str, **fields: object) -> str:
    body = {"name": name, "duration_minutes": 30, **fields}
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


def wait(browser: Browser, shop: Shop, day: date) -> Page:
    """Submit the form that joins the waitlist of one day."""
    browser.open(times_page(shop, day))
    browser.follow("Join the waiting list")
    return browser.submit("Join the waiting list", first=str(day), last=str(day))
