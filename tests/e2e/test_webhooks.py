"""Webhooks, set up in the back office, notify a program of bookings on both adapters."""

import json
import re

import pytest

from monolith.cutover.scheduling_flag import AdapterName
from tests.e2e.browser import Browser
from tests.e2e.shared_demo import Product
from tests.e2e.shop import Customer, answered, confirm_owner
from tests.http_receiver import Reply, http_receiver
from tests.integration.notifications.test_webhooks import is_signed
from tests.polling import eventually
from tests.site import PASSWORD


@pytest.mark.parametrize("adapter", ["http", pytest.param("in_process", marks=pytest.mark.long)])
def test_program_of_a_business_receives_its_bookings(product: Product, adapter: AdapterName) -> None:
    shop, customer = product.shops[adapter], Customer(product.installation, product.shops[adapter])
    confirm_owner(product.installation, shop)
    office = Browser(product.installation.url)
    office.open(f"/office/{shop.slug}/webhooks")
    office.submit("Sign in", email=f"owner@{shop.slug}.example", password=PASSWORD)
    with http_receiver() as receiver:
        created = office.submit("Add the webhook", name="Cash desk", url=receiver.url, event="appointment.booked")
        assert created.headers["Cache-Control"] == "no-store"
        (secret,) = re.findall(r"whsec_\S+", created.text)
        webhook = next(link.address for link in office.page.links if link.words == "Webhooks") + "/" + _id(office)
        slot = answered(customer.slots_on(product.own_day()))["slots"][0]["starts_at"]
        booked = answered(customer.book(slot))["appointment_id"]

        def is_received() -> bool:
            bodies = [json.loads(each.body) for each in receiver.requests]
            return any(each["data"]["appointment"]["appointment_id"] == booked for each in bodies)

        eventually(is_received, "the booking", seconds=30)
        assert all(is_signed(each, secret) for each in receiver.requests)
        eventually(lambda: "Delivered" in office.open(webhook).text, "the delivery")

        receiver.reply = lambda _: Reply(status=503)
        assert "The test is sent within seconds" in office.submit("Send a test").text
        eventually(lambda: "status 503" in office.open(webhook).text, "the failure", seconds=30)
        office.submit("Delete the webhook")
        assert "Cash desk" not in office.page.text


def _id(office: Browser) -> str:
    """Return the id of the webhook that the page shows."""
    action = next(form.action for form in office.page.forms if "Send a test" in form.buttons)
    return action.split("/")[-2]
