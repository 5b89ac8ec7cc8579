"""The page of a customer's appointment, as staff of the business see it."""

from datetime import UTC, datetime, timedelta

from tests.e2e.browser import Browser
from tests.e2e.shared_demo import Product
from tests.e2e.shop import Customer, answered
from tests.site import PASSWORD


def test_owner_sees_the_customer_and_changes_without_a_fee(product: Product) -> None:
    """Within the cut-off, a change by the customer would cost the full price."""
    shop = product.shops["http"]
    customer = Customer(product.installation, shop)
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    slot = answered(customer.slots_on(tomorrow))["slots"][0]
    appointment = answered(customer.book(slot["starts_at"]))["appointment_id"]
    owner = Browser(product.installation.url)
    owner.open(f"/b/{shop.slug}/sign-in")
    owner.submit("Sign in", email=f"owner@{shop.slug}.example", password=PASSWORD)
    page = owner.open(f"/b/{shop.slug}/appointments/{appointment}")
    assert "This appointment is booked" in page.text
    assert f"Customer Cleo Customer, {customer.email}" in page.text
    assert not [claim for claim in ("You are booked", "sending you", "costs") if claim in page.text]
    assert "costs" not in owner.follow("Choose another time").text
    owner.follow("Keep the current time")
    cancelled = owner.submit("Cancel this appointment").text
    assert "This appointment was cancelled" in cancelled
    assert "Fee" not in cancelled
