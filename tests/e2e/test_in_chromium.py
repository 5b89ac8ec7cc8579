"""Pages in a real browser: no overflow on desktop or phone widths, no violation of the content security policy.

Screenshots are stored in `.artifacts/pages`.
"""

import os
from collections.abc import Iterator

import pytest

from deploy.demo_data import OPERATOR
from tests.e2e.axe import violations
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
        "services": f"{product.installation.url}/b/harbour-barbers",
        "times": f"{shop}?offering={product.shops['in_process'].offering_id}",
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
        "services",
        "times",
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
    "learn": "/learn/",
    "learn-step": "/learn/steps/flip",
}
STATUS = "document.getElementById('status').textContent"
LARGEST_PAGE = 100_000
TRANSFERRED = """
['navigation', 'resource'].flatMap(type => performance.getEntriesByType(type))
    .reduce((sum, each) => sum + each.encodedBodySize, 0)
"""
"""The bytes of a page and of all that it loads, without what browsers keep in a cache."""
ALL_OF_THE_CONSOLE = {
    **CONSOLE,
    "flag": "/ops/flag",
    "replication": "/ops/replication",
    "shadow": "/ops/shadow",
    "events": "/ops/events",
    "requests": "/ops/requests",
    "lab": "/ops/lab",
    "mails": "/ops/mail",
    "sign-in": "/ops/sign-in",
    "learn-service": "/learn/steps/service",
    "learn-break-it": "/learn/break-it",
    "learn-should-you": "/learn/should-you",
    "learn-start-over": "/learn/start-over",
}


@pytest.mark.parametrize("width, scheme", [(1280, "dark"), (390, "light")])
def test_pages_of_the_console_fit_and_break_no_policy(
    chromium: Chromium, product: Product, width: int, scheme: str
) -> None:
    """Its live parts are updated by a script, which the content security policy must allow."""
    site = product.installation.console_url
    sign_in(chromium, site)
    chromium.prefer(scheme)
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, path in CONSOLE.items():
        chromium.open(site + path, width)
        chromium.screenshot(PICTURES / f"console-{name}-{width}-{scheme}.png")
        page, window = chromium.widths()
        assert (window, page) == (width, min(page, width)), name
        assert chromium.errors == [], name
        assert violations(chromium) == [], name
        assert 0 < chromium.evaluate(TRANSFERRED) <= LARGEST_PAGE, name
    chromium.prefer("light")


def test_a_page_of_the_console_says_how_old_it_is(chromium: Chromium, product: Product) -> None:
    """Live within a second; a banner once nothing has arrived for five; nothing is requested by a hidden tab."""
    site = product.installation.console_url
    sign_in(chromium, site)
    chromium.open(f"{site}/ops/", 1280)

    chromium.until(f"{STATUS}.startsWith('Live · as of')")
    chromium.evaluate("Object.defineProperty(document, 'hidden', {value: true})")
    chromium.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    hidden_at = str(chromium.evaluate(STATUS)).split()[4]
    chromium.evaluate("(now => { Date.now = () => now() + 6000 })(Date.now)")
    chromium.until("document.body.classList.contains('stale')")
    assert chromium.evaluate(STATUS) == f"Not updated since {hidden_at} UTC; reconnecting"


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_every_page_of_the_console_is_accessible(chromium: Chromium, product: Product, width: int, scheme: str) -> None:
    """With axe's rules for WCAG 2.2 AA, without overflow, and with no other host than the console."""
    site = product.installation.console_url
    operator = sign_in(chromium, site)
    for step in ("flip", "service"):
        if "Predict" in [button for form in operator.open(f"/learn/steps/{step}").forms for button in form.buttons]:
            operator.submit("Predict", prediction="a guess")
            operator.submit("Check my step")
    chromium.prefer(scheme)
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, path in ALL_OF_THE_CONSOLE.items():
        chromium.open(site + path, width)
        chromium.screenshot(PICTURES / f"all-{name}-{width}-{scheme}.png")
        assert violations(chromium) == [], name
        assert chromium.widths()[0] <= width, name
        hosts = chromium.evaluate("performance.getEntriesByType('resource').map(each => new URL(each.name).origin)")
        assert set(hosts) <= {site}, name
    chromium.evaluate("document.querySelector('h1').innerHTML = '<img src=\"/icon\">'")
    assert any("image-alt" in each for each in violations(chromium)), "axe found nothing in a page without names"
    chromium.show_on("print")
    assert chromium.evaluate("['nav', 'main'].map(each => document.querySelector(each).checkVisibility())") == [
        False,
        True,
    ]
    chromium.show_on("screen")
    chromium.prefer("light")


def sign_in(chromium: Chromium, site: str) -> Browser:
    """Sign the demo's operator in to the console, in both browsers."""
    operator = Browser(site)
    operator.open("/ops/sign-in")
    operator.submit("Sign in", email=OPERATOR.email, password=OPERATOR.password)
    chromium.keep_cookie(site, "ops_session", operator.session.cookies["ops_session"])
    return operator
