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
FAST_CLOCK = """
let ahead = 0, tick = () => {};
const since = performance.now.bind(performance);
performance.now = () => since() + ahead;
window.setInterval = (run) => { tick = run; return 1; };
window.clearInterval = () => { tick = () => {}; };
window.leave = (seconds) => {
  const held = document.getElementById("held").dataset;
  ahead = held.until - held.now - seconds * 1000 - since();
  tick();
  return new Promise(requestAnimationFrame);
};
"""
"""Lets a test choose how many seconds of a hold are left."""
RECORD = """
window.heard = [];
const region = document.getElementById("countdown");
new MutationObserver(() => heard.push(region.textContent)).observe(region, { childList: true, characterData: true });
"""
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
    small.until(f"{FOCUSED}.id === 'summary'")  # A page that has loaded moves the focus with its next frame.
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
    chromium.open(product.installation.url, 390)
    assert chromium.evaluate("document.querySelector('[name=zone]').value") == "America/New_York"
    chromium.open(product.installation.url + times_page(shop, day), 1280)
    chromium.until_loaded("location.search.includes('zone=America')")
    assert "America/New_York" in chromium.evaluate("document.querySelector('.zone').textContent")
    browser = Browser(product.installation.url)
    page = chosen_time(browser, shop, day)
    chromium.open(page.url, 390)
    chromium.until("/ \\d+:\\d\\d left/.test(document.getElementById('held').textContent)")
    assert chromium.evaluate("document.getElementById('countdown').textContent") == ""
    assert chromium.errors == []


def test_announcements_reach_assistive_technology_and_are_few(chromium: Chromium, product: Product, shop: Shop) -> None:
    """Point 11: polite announcements at 5, 2 and 1 minutes and at the end of the hold, and none in between."""
    browser = Browser(product.installation.url)
    page = chosen_time(browser, shop, product.own_day())
    chromium.before_pages(FAST_CLOCK)
    try:
        chromium.open(page.url, 390)
        region = chromium.accessible("#countdown")
        assert (region["role"], region["live"], region["ignored"]) == ("status", "polite", False)
        chromium.evaluate(RECORD)
        for left in (310, 299, 240, 121, 119, 61, 59, 30, 1, -1, -10):
            chromium.evaluate(f"leave({left})")
        heard = chromium.evaluate("heard")
        assert heard == [
            *(f"This time is held for you for {each} more minutes." for each in (5, 2)),
            "This time is held for you for 1 more minute.",
            "This time is no longer held for you. If it is still free, you can book it.",
        ]
        assert chromium.evaluate("document.getElementById('held').textContent") == heard[-1]
        assert chromium.accessible("#held").get("live") in (None, "off"), "the clock that ticks is not announced"
        assert chromium.errors == []
    finally:
        chromium.before_pages("")


def test_rejected_form_is_announced_by_the_focus(chromium: Chromium, product: Product, shop: Shop) -> None:
    """Points 11 and 13: an alert that is part of a new page is read because it has the focus."""
    browser = Browser(product.installation.url)
    page = chosen_time(browser, shop, product.own_day())
    chromium.open(page.url, 390)
    chromium.fill("name", " ")
    chromium.fill("email", "gil@example.org")
    chromium.click_and_load("Book it")
    assert chromium.evaluate("document.title").startswith("Problem: ")
    chromium.until(f"{FOCUSED}.id === 'summary'")
    alert = chromium.accessible("#summary")
    assert (alert["role"], alert["live"], alert["focused"]) == ("alert", "assertive", True)
    field = chromium.accessible("#name")
    assert (field["name"], field["invalid"]) == ("Your name", "true")
    assert chromium.evaluate("document.getElementById('name').ariaDescribedByElements[0].textContent").startswith(
        "Enter your name"
    )


def test_days_are_beside_the_times_on_a_wide_screen_and_a_list_on_a_phone(
    chromium: Chromium, product: Product, shop: Shop
) -> None:
    """Point 5: beside the times, as two weeks below them, or as a list below them."""
    lefts = "[...new Set([...document.querySelectorAll('.days > li')].map(each => each.getBoundingClientRect().left))]"
    times_end = "Math.max(...[...document.querySelectorAll('.slots')].map(each => each.getBoundingClientRect().right))"
    for width, columns, is_beside in ((1280, 1, True), (820, 7, False), (390, 1, False)):
        chromium.open(product.installation.url + times_page(shop), width)
        found = chromium.evaluate(lefts)
        assert (len(found), found[0] > chromium.evaluate(times_end)) == (columns, is_beside)


@pytest.mark.long
def test_pages_allow_large_text_forced_colours_and_reduced_motion(
    chromium: Chromium, product: Product, shop: Shop
) -> None:
    """Point 23: text of twice the size is not cut, and no page becomes wider than a window of 640 px."""
    for address in every_page(product, shop):
        chromium.open(address, 640)
        chromium.evaluate("document.documentElement.style.fontSize = '200%'")
        page, window = chromium.widths()
        assert page <= window == 640, address
        chromium.prefer("forced")
        assert violations(chromium) == [], address
        chromium.prefer("still")
        assert chromium.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
        chromium.prefer("light")


def every_page(product: Product, shop: Shop) -> list[str]:
    """Return the addresses of the pages of a booking: services, times, details, booked, managed, waitlist."""
    browser, day = Browser(product.installation.url), product.own_day()
    details = chosen_time(browser, shop, day).url
    chosen_time(browser, shop, day)
    booked = browser.submit("Book it", **guest()).url
    manage = managed(browser).url
    times = product.installation.url + times_page(shop, day)
    services = f"{product.installation.url}/b/{shop.slug}?services=1"
    return [services, times, details, booked, manage, times.replace("?", "/wait?")]


def test_pages_have_no_violation_that_axe_finds(chromium: Chromium, product: Product, shop: Shop) -> None:
    """Point 23: WCAG 2.2, levels A and AA; in both colour schemes."""
    for address in every_page(product, shop):
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
