"""The back office in a real browser: widths, the live calendar, a move by keyboard, accessibility.

Screenshots are stored in `.artifacts/pages`.
"""

import pytest

from tests.e2e.axe import violations
from tests.e2e.browser import Browser
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
    announcements = chromium.accessible("#announce")
    assert (announcements["role"], announcements["live"]) == ("status", "polite")
    chromium.press("m")
    chromium.press("ArrowDown")
    announced = "document.getElementById('announce').textContent"
    assert "Enter moves the appointment there, Escape keeps it" in chromium.evaluate(announced)
    assert chromium.evaluate(focused).startswith("Book Ada on "), "a screen reader says what has the focus"
    target = chromium.evaluate("document.activeElement.dataset.at")
    assert target
    chromium.press("Escape")
    assert chromium.evaluate(f"document.activeElement === {card}"), "Escape returns to the appointment"
    assert chromium.evaluate(announced) == "The appointment keeps its time."
    chromium.press("m")
    chromium.press("ArrowDown")
    chromium.press("Enter")
    chromium.until_loaded("location.pathname.endsWith('/move')")
    assert chromium.evaluate("new URLSearchParams(location.search).get('at')") == target
    assert "New" in chromium.evaluate("document.querySelector('.compare').textContent")


def test_appointment_is_moved_by_dragging(product: Product, chromium: Chromium, shop: Shop) -> None:
    day, customer = product.own_day(), Customer(product.installation, shop)
    slot = answered(customer.slots_on(day))["slots"][20]["starts_at"]
    booked = answered(customer.book(slot))["appointment_id"]
    chromium.open(f"{product.installation.url}/office/{shop.slug}/day?date={day}", 1280)
    target = chromium.evaluate("document.querySelectorAll('.free')[22].dataset.at")
    chromium.drag(f'a[href$="{booked}"]', f'[data-at="{target}"]')
    chromium.until_loaded("location.pathname.endsWith('/move')")
    assert chromium.evaluate("new URLSearchParams(location.search).get('at')") == target


def test_today_opens_at_the_present_time(product: Product, chromium: Chromium, shop: Shop) -> None:
    office = f"{product.installation.url}/office/{shop.slug}"
    chromium.open(f"{office}/day", 1280)
    places = "['.now', '.board'].map(each => document.querySelector(each).getBoundingClientRect())"
    line, board = chromium.evaluate(f"{places}.map(each => [each.top, each.bottom])")
    assert board[0] <= line[0] < board[1]
    chromium.open(f"{office}/day?date={product.own_day()}", 1280)
    assert chromium.evaluate("document.querySelector('.now')") is None


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


@pytest.fixture(scope="module")
def every_page(product: Product, shop: Shop) -> list[str]:
    """Return the addresses of all pages below the office, with something to show on each."""
    day, office = product.own_day(), Browser(product.installation.url)
    customer = Customer(product.installation, shop)
    booked = answered(customer.book(answered(customer.slots_on(day))["slots"][20]["starts_at"]))
    root, provider = f"/office/{shop.slug}", f"providers/{shop.provider_id}"
    office.open(f"{root}/webhooks")
    office.submit("Sign in", email=f"owner@{shop.slug}.example", password=PASSWORD)
    office.submit("Add the webhook", name="Desk", url="http://127.0.0.1:1/", event="appointment.held")
    webhook = office.page.form("Send a test").action.split("/")[-2]
    office.submit("Send a test")
    office.open(f"{root}/{provider}/calendars")
    office.submit("Create a feed", name="Phone")
    office.submit("Import", name="Private", url="http://127.0.0.1:1/private.ics")
    office.open(f"{root}/waitlist")
    office.submit("Add to the waitlist", name=f"Wim {day}", first=str(day))
    office.open(f"{root}/new?provider={shop.provider_id}&date={day}&time=15:00")
    series = office.submit("Book", name=f"Selma {day}", repeat="week", count="2").path
    office.open(f"{root}/new?provider={shop.provider_id}&date={day}&time=17:00")
    visit = office.submit("Book", name=f"Vera {day}", then=shop.offering_id).path
    appointment = f"appointments/{booked['appointment_id']}"
    return [
        *(f"{root}/{name}" for name in (*_PAGES, *_FURTHER)),
        *(f"{root}/{name}" for name in (f"day?date={day}", f"day?date={day}&view=list", appointment, provider)),
        *(f"{root}/{name}" for name in (f"{appointment}/move?date={day}&time=13:00", f"{appointment}/cancel")),
        *(f"{root}/{name}" for name in (f"customers/{booked['customer_id']}", f"services/{shop.offering_id}")),
        *(f"{root}/{name}" for name in (f"{provider}/calendars", f"webhooks/{webhook}", "services")),
        *(series, visit, "/account/calendars"),
    ]


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark", "forced"])
def test_every_page_is_accessible(product: Product, chromium: Chromium, every_page: list[str], scheme: str) -> None:
    """With axe's rules for WCAG 2.2 AA, and without an error in the console."""
    chromium.prefer(scheme)
    for path in every_page:
        chromium.open(product.installation.url + path, 1280)
        assert violations(chromium) == [], path
        assert chromium.errors == [], path
    chromium.prefer("light")
