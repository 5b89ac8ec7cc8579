"""The back office in a real browser: widths, the live calendar, and a move by keyboard.

Screenshots are stored in `.artifacts/pages`.
"""

import pytest

from tests.e2e.chromium import Chromium
from tests.e2e.shared_demo import Product
from tests.e2e.shop import Customer, Shop, answered
from tests.e2e.test_in_chromium import PICTURES, chromium
from tests.polling import eventually
from tests.site import PASSWORD, Client

__all__ = ["chromium"]

_PAGES = ("day", "day?view=list", "week", "new", "requests", "customers", "services/new", "providers", "time-off")
_FURTHER = ("resources", "invoices", "settings", "start", "waitlist", "webhooks")


@pytest.fixture(scope="module")
def shop(product: Product, chromium: Chromium) -> Shop:
    """A shop whose owner has signed in."""
    shop = product.shops["in_process"]
    owner = Client(product.installation.url)
    assert owner.log_in(f"owner@{shop.slug}.example", PASSWORD).ok
    chromium.keep_cookie(product.installation.url, "session", owner.session.cookies["session"])
    return shop


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_no_page_overflows_its_width(product: Product, chromium: Chromium, shop: Shop, width: int) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name in (*_PAGES, *_FURTHER):
        chromium.open(f"{product.installation.url}/office/{shop.slug}/{name}", width)
        chromium.screenshot(PICTURES / f"office-{name.replace('/', '-').replace('?', '-')}-{width}.png")
        page, window = chromium.widths()
        assert page <= window == width, name


def test_calendar_shows_changes_by_others_and_moves_by_keyboard(
    product: Product, chromium: Chromium, shop: Shop
) -> None:
    """A booking by a customer appears in the open page, without taking the focus."""
    day, customer = product.own_day(), Customer(product.installation, shop)
    chromium.open(f"{product.installation.url}/office/{shop.slug}/day?date={day}", 1280)
    focused = "document.activeElement.getAttribute('aria-label')"
    chromium.evaluate("document.querySelectorAll('.free')[30].focus()")
    before = chromium.evaluate(focused)
    slot = answered(customer.slots_on(day))["slots"][20]["starts_at"]
    booked = answered(customer.book(slot))["appointment_id"]
    card = f"document.querySelector('a[href$=\"{booked}\"]')"
    eventually(lambda: chromium.evaluate(f"{card} !== null"), "the booking", seconds=15)
    assert chromium.evaluate(focused) == before

    chromium.evaluate(f"{card}.focus()")
    chromium.press("m")
    chromium.press("ArrowDown")
    target = chromium.evaluate("document.activeElement.dataset.at")
    assert target
    chromium.press("Escape")
    assert chromium.evaluate(f"document.activeElement === {card}"), "Escape returns to the appointment"
    chromium.press("m")
    chromium.press("ArrowDown")
    chromium.press("Enter")
    eventually(lambda: chromium.evaluate("location.pathname").endswith("/move"), "the confirmation", seconds=15)
    assert chromium.evaluate("new URLSearchParams(location.search).get('at')") == target
    assert "New" in chromium.evaluate("document.querySelector('.compare').textContent")


def test_day_prints_without_controls_and_the_week_is_a_list_on_a_phone(
    product: Product, chromium: Chromium, shop: Shop
) -> None:
    office = f"{product.installation.url}/office/{shop.slug}"
    chromium.open(f"{office}/day?view=list", 1280)
    display = "['header', '.moves', 'h1'].map(name => getComputedStyle(document.querySelector(name)).display)"
    assert "none" not in chromium.evaluate(display)
    chromium.show_on("print")
    assert chromium.evaluate(display) == ["none", "none", "block"]
    chromium.show_on("screen")
    lefts = "new Set([...document.querySelectorAll('.column')].map(each => each.getBoundingClientRect().left)).size"
    chromium.open(f"{office}/week", 1280)
    assert chromium.evaluate(lefts) == 7
    chromium.open(f"{office}/week", 390)
    assert chromium.evaluate(lefts) == 1
