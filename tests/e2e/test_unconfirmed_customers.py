"""The back office marks the address of an account whose owner has not confirmed it."""

from tests.e2e.browser import Browser
from tests.e2e.shared_demo import Product
from tests.e2e.shop import Customer, answered
from tests.site import Client


def test_office_marks_an_address_that_is_not_confirmed(product: Product) -> None:
    shop = product.shops["in_process"]
    customer, owner = Customer(product.installation, shop), Client(product.installation.url)
    answered(owner.log_in(f"owner@{shop.slug}.example"))
    office = Browser(product.installation.url)
    office.session.cookies.set("session", owner.session.cookies["session"])
    address = f"/office/{shop.slug}/customers?search={customer.email}"
    assert "Has an account, e-mail not confirmed" in office.open(address).text
    assert "(not confirmed)" in office.follow("Cleo Customer").text
    customer.confirm_email(product.installation)
    assert "e-mail not confirmed" not in office.open(address).text
    assert "not confirmed" not in office.follow("Cleo Customer").text
