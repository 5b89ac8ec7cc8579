"""The booking site in a real browser: the journey by keyboard, without scripts, on a small screen; its script.

The numbers are those of the acceptance list of the site. Screenshots are stored in `.artifacts/pages`.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.e2e.axe import violations
from tests.e2e.booking_steps import chosen_time, guest, managed, times_page
from tests.e2e.browser import Browser
from tests.e2e.chromium import Chromium
from tests.e2e.shared_demo import Product
from tests.e2e.shop import Shop
from tests.e2e.test_in_chromium import PICTURES, chromium

__all__ = ["chromium"]

FOCUSED = "document.activeElement"
MOST_TAB_STOPS = 12


@pytest.fixture
def shop(product: Product) -> Shop:
    return product.shops["in_process"]


@pytest.fixture
def small(chromium: Chromium) -> Iterator[Chromium]:
    """A browser that runs no script."""
    chromium.run_scripts(False)
    yield chromium
    chromium.run_scripts(True)


def test_guest_books_by_keyboard_without_scripts_on_a_small_screen(
    small: Chromium, product: Product, shop: Shop
) -> None:
    """Points 13, 20, 21, 23 and 24: the skip link leads to the times; without it, a time is at most 12 stops away."""
    address, person = product.installation.url + times_page(shop, product.own_day()), guest()
    small.open(address, 320)
    small.press("Tab")
    assert small.evaluate(f"{FOCUSED}.textContent") == "Skip to the times"
    assert small.evaluate(f"{FOCUSED}.getBoundingClientRect().left >= 0")
    assert stops_to(small, f"{FOCUSED}.name === 'at'") + 1 <= MOST_TAB_STOPS
    small.open(address, 320)
    small.press("Tab")
    small.press("Enter")
    assert stops_to(small, f"{FOCUSED}.name === 'at'") <= 2
    fits(small, "times")
    small.press_and_load("Enter")
    fits(small, "details")
    for name, typed in (("name", " "), ("email", person["email"])):
        stops_to(small, f"{FOCUSED}.id === '{name}'")
        small.type(typed)
    stops_to(small, f"{FOCUSED}.textContent === 'Book it'")
    small.press_and_load("Enter")
    assert small.evaluate(f"{FOCUSED}.id") == "summary"
    small.errors.clear()  # Chromium reports the status 400.
    small.press("Tab")
    small.press("Enter")
    assert small.evaluate(f"{FOCUSED}.id") == "name", "the summary leads to the field"
    small.type(person["name"])
    stops_to(small, f"{FOCUSED}.textContent === 'Book it'")
    small.press_and_load("Enter")
    assert small.evaluate("document.querySelector('h1').textContent") == "You are booked"
    fits(small, "booked")
    assert {urlsplit(each).netloc for each in small.requested} == {urlsplit(address).netloc}


def test_script_names_the_zone_of_the_visitor_and_counts_down(chromium: Chromium, product: Product, shop: Shop) -> None:
    """Points 8 and 11. A browser whose zone is that of the business is left alone."""
    day = product.own_day()
    chromium.be_in("America/New_York")
    chromium.open(product.installation.url + times_page(shop, day), 1280)
    chromium.until("location.search.includes('zone=America')")
    assert "America/New_York" in chromium.evaluate("document.querySelector('.zone').textContent")
    browser = Browser(product.installation.url)
    page = chosen_time(browser, shop, day)
    chromium.open(page.url, 390)
    chromium.until("/ \\d+:\\d\\d left/.test(document.getElementById('held').textContent)")
    assert chromium.evaluate("document.getElementById('countdown').textContent") == ""
    assert chromium.errors == []


def test_pages_have_no_violation_that_axe_finds(chromium: Chromium, product: Product, shop: Shop) -> None:
    """Point 23: WCAG 2.2, levels A and AA; in both colour schemes."""
    browser = Browser(product.installation.url)
    day, person = product.own_day(), guest()
    details = chosen_time(browser, shop, day).url
    chosen_time(browser, shop, day)
    booked = browser.submit("Book it", **person).url
    manage = managed(browser).url
    times = product.installation.url + times_page(shop, day)
    services = f"{product.installation.url}/b/{shop.slug}?services=1"
    for address in (services, times, details, booked, manage, times.replace("?", "/wait?")):
        chromium.open(address, 390)
        assert violations(chromium) == [], address
        chromium.prefer("dark")
        assert violations(chromium) == [], address
        chromium.prefer("light")


def stops_to(browser: Chromium, condition: str) -> int:
    """Press Tab until a condition holds, and return how often."""
    for stops in range(1, 60):
        browser.press("Tab")
        if browser.evaluate(condition):
            return stops
    raise AssertionError(condition)


def fits(browser: Chromium, name: str) -> None:
    """Check that the page is not wider than the window and has reported no error."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    browser.screenshot(PICTURES / f"site-{name}-320.png")
    page, window = browser.widths()
    assert page <= window == 320, name
    assert browser.errors == [], name
