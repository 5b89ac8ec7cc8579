"""Journeys through the pages of accounts, with the mails in between, without scripts."""

import re

import pytest

from tests.e2e.browser import Browser
from tests.e2e.demo import Installation
from tests.e2e.shared_demo import Product
from tests.e2e.shop import Customer, Shop, answered
from tests.polling import eventually
from tests.site import PASSWORD

NEW = "a much better one"


@pytest.fixture(scope="module")
def shop(product: Product) -> Shop:
    return product.shops["in_process"]


def link(installation: Installation, email: str, page: str) -> str:
    """Return the address of the link to a page in the mails to an address."""

    def newest() -> str | None:
        found = [re.search(rf"http://\S+/{page}\?token=\S+", mail.text) for mail in installation.mails_to(email)]
        return next((match[0] for match in reversed(found) if match), None)

    address = eventually(newest, f"a mail with a link to {page}")
    assert address is not None
    return address


def is_private(browser: Browser) -> bool:
    return browser.page.headers.get("Cache-Control") == "no-store"


def test_forgotten_password_is_replaced_and_other_devices_are_signed_out(product: Product, shop: Shop) -> None:
    customer = Customer(product.installation, shop)
    customer.confirm_email(product.installation)
    browser = Browser(product.installation.url)
    browser.open(f"/b/{shop.slug}/sign-in")
    browser.follow("Forgot your password?")
    assert "we have sent a mail" in browser.submit("Send the link", email=customer.email).text
    browser.open(link(product.installation, customer.email, "reset-password"))
    assert is_private(browser)
    assert "At least 10 characters" in browser.submit("Set password", new_password="short").text
    assert "Your password is changed" in browser.submit("Set password", new_password=NEW).text
    assert customer.client.get("/me").status_code == 401
    assert browser.open(link(product.installation, customer.email, "reset-password")).status == 404

    browser.open("/account")
    assert is_private(browser)
    assert "this device" in browser.page.text
    wrong = browser.submit("Change password", current_password=PASSWORD, new_password=NEW)
    assert (wrong.status, "The current password is incorrect" in wrong.text) == (403, True)
    assert "Your name is changed" in browser.submit("Change name", name="Cleo C.").text
    assert browser.submit("Delete my account", current_password=NEW).path == "/"
    assert "Cache-Control" not in Browser(product.installation.url).open("/").headers


def test_owner_invites_a_person_who_joins_and_is_removed(product: Product, shop: Shop) -> None:
    installation = product.installation
    owner, guest = Browser(installation.url), Browser(installation.url)
    email, slug = f"owner-of-{shop.slug}@members.example", f"members-of-{shop.slug}"
    owner.open("/")
    owner.submit("Create business", business_name="Olive's", slug=slug, name="Olive", email=email, password=PASSWORD)
    owner.open(f"/b/{slug}/members")
    assert owner.submit("Invite", email="ines@members.example").status == 403, "the address is not confirmed"
    confirming = owner.open(link(installation, email, "confirm-email")).text
    assert "Send the mail again" not in confirming
    assert f"The link was sent to {email}" in confirming
    assert "Your e-mail address is confirmed" in owner.submit("Confirm address").text

    owner.follow("Members")
    assert "Calendar" in [link.words for link in owner.page.links], "the menu of the back office"
    assert "ines@members.example" in owner.submit("Invite", email="ines@members.example").text
    guest.open(link(installation, "ines@members.example", "invitation"))
    assert "Olive invites you to join Olive's as a member of the staff" in guest.page.text
    assert is_private(guest)
    guest.submit("Join", name="Ines", password=PASSWORD)
    assert guest.page.path.startswith(f"/office/{slug}/")
    assert "Ines" in guest.open(f"/b/{slug}/members").text
    assert not [form for form in guest.page.forms if "Invite" in form.buttons], "staff see, owners change"

    owner.open(f"/b/{slug}/members")
    assert "bk_" in owner.submit("Create token", name="Kiosk").text
    owner.submit("Create token", name="Register")
    assert "bk_" not in owner.open(f"/b/{slug}/members").text
    revoked = owner.submit("Revoke all tokens").text
    assert ("Kiosk" in revoked, "Register" in revoked) == (False, False)
    remove = [form for form in owner.page.forms if "Remove" in form.buttons][-1]
    assert "Ines" not in owner.send(remove).text
    assert guest.open(f"/b/{slug}/members").path == f"/b/{slug}/sign-in"
    last = next(form for form in owner.page.forms if "Remove" in form.buttons)
    assert "A business needs an owner" in owner.send(last).text


def test_customer_chooses_the_mails_of_a_business(product: Product, shop: Shop) -> None:
    customer = Customer(product.installation, shop)
    browser = Browser(product.installation.url)
    page = browser.open(f"/b/{shop.slug}/e-mails")
    assert page.path == f"/b/{shop.slug}/sign-in"
    page = browser.submit("Sign in", email=customer.email, password=PASSWORD)
    form = page.form("Save")
    assert set(form.fields) == {"confirmation", "change", "cancellation", "reminder"}, "all are on at first"
    del form.fields["reminder"]
    assert "Saved." in browser.send(form).text
    preferences = answered(customer.client.get(f"/businesses/{shop.slug}/notification-preferences"))
    assert preferences == {"confirmation": True, "change": True, "cancellation": True, "reminder": False}
    assert "reminder" not in browser.page.form("Save").fields
