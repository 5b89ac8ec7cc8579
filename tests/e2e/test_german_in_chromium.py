"""German words are longer: no page overflows its width in German. Screenshots are stored in `.artifacts/pages`."""

import pytest

from tests.e2e.axe import violations
from tests.e2e.booking_steps import chosen_time, guest, times_page
from tests.e2e.browser import Browser
from tests.e2e.chromium import Chromium
from tests.e2e.shared_demo import Product
from tests.e2e.shop import Customer, answered
from tests.e2e.test_in_chromium import PICTURES, chromium
from tests.site import PASSWORD, Client

__all__ = ["chromium"]

_OFFICE = (
    "day", "day?view=list", "week", "new", "requests", "waitlist", "customers", "invoices", "services", "services/new",
    "providers", "time-off", "resources", "settings", "start", "webhooks",
)  # fmt: skip


@pytest.fixture(scope="module")
def pages(product: Product) -> dict[str, str]:
    """Return the paths of pages for guests by name, with something to show on each."""
    shop, browser = product.shops["in_process"], Browser(product.installation.url)
    details = chosen_time(browser, shop, product.own_day())
    held = details.url
    chosen_time(browser, shop, product.own_day())
    booked = browser.submit("Book it", **guest())
    manage = next(link.address for link in booked.links if link.words == "Manage this appointment")
    return {
        "home": "/",
        "services": f"/b/{shop.slug}?services=1",
        "times": times_page(shop, product.own_day()),
        "options": times_page(shop, product.own_day(), zones=1, every="fortnight"),
        "details": held.removeprefix(product.installation.url),
        "booked": booked.url.removeprefix(product.installation.url),
        "manage": manage.removeprefix(product.installation.url),
        "move": manage.removeprefix(product.installation.url).replace("/manage?", "/manage/move?"),
        "wait": f"/b/{shop.slug}/wait?offering={shop.offering_id}",
        "find": f"/b/{shop.slug}/find",
        "sign-in": f"/b/{shop.slug}/sign-in",
        "sign-up": f"/b/{shop.slug}/sign-up",
    }


@pytest.fixture(scope="module")
def customer(product: Product) -> Customer:
    customer = Customer(product.installation, product.shops["in_process"])
    answered(customer.book(answered(customer.slots_on(product.own_day()))["slots"][5]["starts_at"]))
    return customer


@pytest.mark.long
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_no_page_overflows_its_width(
    product: Product, chromium: Chromium, pages: dict[str, str], customer: Customer, width: int
) -> None:
    site, slug = product.installation.url, customer.shop.slug
    owner = Client(site)
    assert owner.log_in(f"owner@{slug}.example", PASSWORD).ok
    signed_in = {"account": "/account", "appointments": f"/b/{slug}/appointments", "invoices": f"/b/{slug}/invoices"}
    office = {f"office-{name.translate(_NAME)}": f"/office/{slug}/{name}" for name in _OFFICE}
    office |= {
        "office-provider": f"/office/{slug}/providers/{customer.shop.provider_id}",
        "office-service": f"/office/{slug}/services/{customer.shop.offering_id}",
        "members": f"/b/{slug}/members",
    }
    chromium.keep_cookie(site, "language", "de")
    look(chromium, site, pages, width)
    chromium.keep_cookie(site, "session", customer.client.session.cookies["session"])
    look(chromium, site, signed_in, width)
    chromium.keep_cookie(site, "session", owner.session.cookies["session"])
    look(chromium, site, office, width)
    chromium.keep_cookie(site, "session", "")


_NAME = str.maketrans("/?=", "---")


def look(chromium: Chromium, site: str, pages: dict[str, str], width: int) -> None:
    """Open each page in German, and store its picture."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, path in pages.items():
        chromium.open(site + path, width)
        chromium.screenshot(PICTURES / f"german-{name}-{width}.png")
        assert chromium.evaluate("document.documentElement.lang") == "de", name
        page, window = chromium.widths()
        assert page <= window == width, name
        assert chromium.errors == [], name
        if width == 1280:
            assert violations(chromium) == [], name
