"""Limits of the address of another person's checkout, and of the link of an appointment that has ended."""

from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import pytest

from tests.e2e.booking_steps import choose, chosen_time, guest, managed, times_page
from tests.e2e.browser import Browser, Page
from tests.e2e.shared_demo import Product
from tests.e2e.shop import Customer, Shop, answered, furnished_shop
from tests.e2e.test_pages import sign_in
from tests.site import Client


@pytest.fixture(scope="module")
def shop(product: Product) -> Shop:
    return furnished_shop(product.installation.url, f"salon-{uuid4().hex[:8]}", "in_process")


@pytest.fixture(scope="module")
def owner(product: Product, shop: Shop) -> Client:
    client = Client(product.installation.url)
    answered(client.log_in(f"owner@{shop.slug}.example"))
    return client


@pytest.fixture
def browser(product: Product) -> Browser:
    return Browser(product.installation.url)


@pytest.fixture
def stranger(product: Product) -> Browser:
    return Browser(product.installation.url)


def test_link_of_a_cancelled_appointment_books_nothing(
    browser: Browser, stranger: Browser, product: Product, shop: Shop, owner: Client
) -> None:
    person = guest()
    chosen_time(browser, shop, product.own_day())
    browser.submit("Book it", **person)
    token = token_of(managed(browser))
    browser.submit("Cancel this appointment")
    assert sent(stranger, shop, {"token": token, "key": uuid4().hex, **guest()}).status == 404
    assert stranger.open(f"/b/{shop.slug}/details?offering={shop.offering_id}&token={token}").status == 404
    (listed,) = answered(owner.get(f"/businesses/{shop.slug}/customers", params={"search": person["email"]}))[
        "customers"
    ]
    assert (listed["name"], listed["email"]) == (person["name"], person["email"])


def test_checkout_that_another_has_begun_ends_with_the_booking(
    browser: Browser, stranger: Browser, product: Product, shop: Shop, owner: Client
) -> None:
    """The stranger holds a time, and passes the address of the checkout on."""
    address = chosen_time(stranger, shop, product.own_day()).url
    own_form = stranger.page.form("Book it")
    person = guest()
    form = browser.open(address).form("Book it")
    booked = browser.send(form, **person)
    assert "You are booked" in booked.text
    assert browser.send(form, **person).url == booked.url, "the form of the guest, sent twice, books once"
    assert stranger.send(own_form, **guest(name="Sam Stranger")).status == 409
    opened = stranger.open(address)
    assert (opened.status, "This time has been booked" in opened.text) == (409, True)
    assert stranger.open(f"/manage?{urlencode({'token': own_form.fields['token']})}").status == 404
    customers = answered(owner.get(f"/businesses/{shop.slug}/customers", params={"search": "Stranger"}))["customers"]
    assert customers == []


def test_checkout_of_an_account_needs_its_session(
    browser: Browser, stranger: Browser, product: Product, shop: Shop
) -> None:
    customer = Customer(product.installation, shop)
    sign_in(browser, shop, customer)
    details = chosen_time(browser, shop, product.own_day())
    opened = stranger.open(details.url)
    assert (opened.status, "Cleo Customer" in opened.text) == (401, False)
    assert stranger.send(details.form("Book it")).status == 401
    assert [each["status"] for each in answered(customer.appointments())["appointments"]] == ["held"]
    assert "You are booked" in browser.send(details.form("Book it")).text


def test_address_does_not_choose_who_the_guest_is(
    browser: Browser, stranger: Browser, product: Product, shop: Shop
) -> None:
    """A series has no hold, so its form has the key from which the guest follows."""
    browser.open(times_page(shop, product.own_day(), every="week", count=2))
    address = f"{choose(browser).url}&key=a-key-of-the-stranger"
    key = browser.open(address).form("Book it").fields["key"]
    assert key != "a-key-of-the-stranger"
    form = stranger.open(address).form("Book it")
    assert form.fields["key"] != key
    booked = browser.submit("Book it", **guest())
    assert "You are booked" in booked.text
    form.fields["key"] = "a-key-of-the-stranger"
    answer = stranger.send(form, **guest())
    assert answer.url != booked.url, "the form books as another guest, which times are left for it"


def sent(browser: Browser, shop: Shop, fields: dict[str, str]) -> Page:
    """Send the form of the details with these fields."""
    url = f"{browser.site}/b/{shop.slug}/details"
    return Page(browser.session.post(url, data={"offering": shop.offering_id, **fields}, timeout=30))


def token_of(page: Page) -> str:
    return parse_qs(urlsplit(page.url).query)["token"][0]
