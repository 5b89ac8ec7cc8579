"""Links that act for an account end with the password that a stranger or a thief may have had."""

import re
from uuid import uuid4

import pytest

from tests.e2e.booking_steps import chosen_time, managed, times_page
from tests.e2e.browser import Browser
from tests.e2e.shared_demo import Product
from tests.e2e.shop import Customer, Shop, answered, furnished_shop
from tests.e2e.test_pages import sign_in
from tests.polling import eventually
from tests.site import Client

OWN = "the owner's own password"


@pytest.fixture(scope="module")
def shop(product: Product) -> Shop:
    return furnished_shop(product.installation.url, f"salon-{uuid4().hex[:8]}", "in_process")


def test_links_end_with_a_take_over(product: Product, shop: Shop) -> None:
    """The link of a waitlist entry ends too: it would show the link of a later offer."""
    person, stranger = Browser(product.installation.url), Customer(product.installation, shop)
    links = links_of(person, product, shop, stranger)
    assert [person.open(link).status for link in links] == [200, 200]
    client = Client(product.installation.url)
    answered(client.post("/confirm-email", {"token": mailed_token(product, stranger.email), "password": OWN}))
    assert [person.open(link).status for link in links] == [401, 401]
    assert "Sign in to see your appointments" in person.page.text
    assert person.open(links[0].replace("/manage", f"/b/{shop.slug}/booked")).status == 401
    person.session.cookies.set("session", client.session.cookies["session"])
    chosen_time(person, shop, product.own_day())
    person.submit("Book it")
    person.session.cookies.clear()
    assert managed(person).status == 200, "links of later appointments are valid"


def test_links_end_with_a_password_reset(product: Product, shop: Shop) -> None:
    person, customer = Browser(product.installation.url), Customer(product.installation, shop)
    customer.confirm_email(product.installation)
    links = links_of(person, product, shop, customer)
    assert customer.client.post("/password-resets", {"email": customer.email}).ok
    token = mailed_token(product, customer.email, "reset-password")
    answered(Client(product.installation.url).post("/password-resets/use", {"token": token, "new_password": OWN}))
    assert [person.open(link).status for link in links] == [401, 401]


def links_of(browser: Browser, product: Product, shop: Shop, customer: Customer) -> list[str]:
    """Book and wait as the customer; return the links of both, and sign out."""
    day = product.own_day()
    sign_in(browser, shop, customer)
    chosen_time(browser, shop, day)
    browser.submit("Book it")
    links = [managed(browser).url]
    browser.open(times_page(shop, day))
    browser.follow("Join the waiting list")
    links.append(browser.submit("Join the waiting list", first=str(day), last=str(day)).url)
    browser.session.cookies.clear()
    return links


def mailed_token(product: Product, email: str, page: str = "confirm-email") -> str:
    """Return the token of the latest mail with a link to this page."""

    def tokens() -> list[str]:
        texts = [mail.text for mail in product.installation.mails_to(email)]
        return [token for text in texts for token in re.findall(rf"/{page}\?token=(\S+)", text)]

    return eventually(tokens, "the mail with the link")[-1]
