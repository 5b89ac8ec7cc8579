"""Pages in a real browser: no overflow on desktop or phone widths, no violation of the content security policy.

Screenshots are stored in `.artifacts/pages`.
"""

import os
from collections.abc import Iterator

import pytest

from deploy.demo_data import OPERATOR
from tests.e2e.browser import Browser
from tests.e2e.chromium import Chromium, installed
from tests.e2e.shared_demo import Product
from tests.e2e.shop import Customer, answered
from tests.servers import ROOT

PICTURES = ROOT / ".artifacts" / "pages"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    program = installed()
    if program is None and not os.environ.get("CI"):
        pytest.skip("Chromium is not installed")
    assert program, "install Chromium: these tests are not skipped in CI"
    with Chromium(program) as chromium:
        yield chromium


@pytest.fixture(scope="module")
def pages(product: Product, chromium: Chromium) -> dict[str, str]:
    """Return addresses by name, for a signed-in browser."""
    customer = Customer(product.installation, product.shops["in_process"])
    slot = answered(customer.slots_on(product.own_day()))["slots"][-1]["starts_at"]
    booked = answered(customer.book(slot))["appointment_id"]
    chromium.keep_cookie(product.installation.url, "session", customer.client.session.cookies["session"])
    shop = f"{product.installation.url}/b/near-salon"
    return {
        "home": product.installation.url,
        "booking": f"{product.installation.url}/b/harbour-barbers",
        "appointment": f"{shop}/appointments/{booked}",
        "move": f"{shop}/appointments/{booked}/move",
        "appointments": f"{shop}/appointments",
        "sign-up": f"{shop}/sign-up",
        "account": f"{product.installation.url}/account",
        "forgot-password": f"{product.installation.url}/forgot-password",
        "error": f"{shop}/nothing",
        "mails": product.installation.mail_url,
    }


@pytest.mark.parametrize("width", [1100, 400])
@pytest.mark.parametrize(
    "name",
    [
        "home",
        "booking",
        "appointment",
        "move",
        "appointments",
        "sign-up",
        "account",
        "forgot-password",
        "error",
        "mails",
    ],
)
def test_no_page_overflows_its_width(chromium: Chromium, pages: dict[str, str], name: str, width: int) -> None:
    chromium.open(pages[name], width)
    PICTURES.mkdir(parents=True, exist_ok=True)
    chromium.screenshot(PICTURES / f"{name}-{width}.png")
    page, window = chromium.widths()
    assert window == width
    assert page <= window


CONSOLE = {
    "overview": "/ops/",
    "businesses": "/ops/businesses",
    "business": "/ops/businesses/near-salon",
    "change": "/ops/changes/move-business?slug=near-salon&target=scheduling",
    "time": "/ops/time",
    "audit": "/ops/audit",
}


@pytest.mark.parametrize("width, scheme", [(1280, "dark"), (390, "light")])
def test_pages_of_the_console_fit_and_break_no_policy(
    chromium: Chromium, product: Product, width: int, scheme: str
) -> None:
    """Its live parts are updated by a script, which the content security policy must allow."""
    site = product.installation.console_url
    operator = Browser(site)
    operator.open("/ops/sign-in")
    operator.submit("Sign in", email=OPERATOR.email, password=OPERATOR.password)
    chromium.keep_cookie(site, "ops_session", operator.session.cookies["ops_session"])
    chromium.prefer(scheme)
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, path in CONSOLE.items():
        chromium.open(site + path, width)
        chromium.screenshot(PICTURES / f"console-{name}-{width}-{scheme}.png")
        page, window = chromium.widths()
        assert (window, page) == (width, min(page, width)), name
        assert chromium.errors == [], name
    chromium.prefer("light")
