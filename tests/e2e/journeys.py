"""The journeys of a customer on a phone and of a receptionist, played with mouse and keyboard in a real browser."""

import json
import time
from dataclasses import dataclass
from uuid import uuid4

from tests.e2e.booking_steps import guest
from tests.e2e.chromium import Chromium
from tests.e2e.shop import Shop
from tests.site import PASSWORD

PHONE, DESK = 390, 1280
_TEMPORARY = ("Temporarily unavailable", "This took too long", "We do not know whether this was done")
_MOST_RELOADS = 40


@dataclass
class Visitor:
    """A person with a browser, who loads a page again that says that something is temporarily impossible.

    Loading the answer to a form again submits the form again, with the same key.
    """

    browser: Chromium
    site: str
    reloads: int = 0

    @property
    def title(self) -> str:
        return str(self.browser.evaluate("document.querySelector('h1')?.textContent ?? document.title"))

    @property
    def text(self) -> str:
        return str(self.browser.evaluate("document.querySelector('main').innerText"))

    def open(self, path: str, width: int) -> None:
        self.browser.open(self.site + path, width)
        self._again_while_unavailable()

    def follow(self, words: str, kind: str = "main a, main button") -> None:
        """Click a link or a button, and return when its page has loaded."""
        self.browser.click_and_load(words, kind)
        self._again_while_unavailable()

    def _again_while_unavailable(self) -> None:
        for _ in range(_MOST_RELOADS):
            if self.title not in _TEMPORARY:
                assert [each for each in self.browser.errors if "503" not in each and "504" not in each] == []
                return
            self.reloads += 1
            time.sleep(0.25)
            self.browser.reload()
        raise AssertionError(f"still unavailable: {self.text}")


def books_moves_and_cancels(visitor: Visitor, shop: Shop, day: int) -> None:
    """Book as a guest on a phone, on the `day`-th day of the list; move and cancel by the link."""
    browser = visitor.browser
    visitor.open(f"/b/{shop.slug}?services=1", PHONE)
    visitor.follow("Massage", ".choose a")
    days = "document.querySelectorAll('.days a')"
    visitor.follow(browser.evaluate(f"{days}[{day}].textContent"), ".days a")
    visitor.follow(":", ".slots button")
    person = guest()
    for name in ("name", "email"):
        browser.fill(name, person[name])
    visitor.follow("Book it")
    assert visitor.title == "You are booked", visitor.text
    visitor.follow("Manage this appointment")
    version = browser.evaluate("document.querySelector('[name=version]').value")
    visitor.follow("Choose another time")
    visitor.follow(":", ".slots a")
    visitor.follow("Move to")
    assert visitor.title == "You are booked", visitor.text
    assert browser.evaluate("document.querySelector('[name=version]').value") > version
    browser.click("Cancel", "summary")
    browser.fill("reason", "I am ill")
    visitor.follow("Cancel this appointment")
    assert visitor.title == "This appointment was cancelled", visitor.text
    assert "I am ill" in visitor.text


def signs_in(visitor: Visitor, shop: Shop) -> None:
    """Sign in as the owner on the page to which the office sends a stranger."""
    visitor.open(f"/office/{shop.slug}/requests", DESK)
    browser = visitor.browser
    browser.fill("email", f"owner@{shop.slug}.example")
    browser.fill("password", PASSWORD)
    visitor.follow("Sign in", "main button")
    assert visitor.title == "Requests", visitor.text


def serves_a_caller(visitor: Visitor, shop: Shop, day: str) -> str:
    """Book an empty time of the calendar for a new customer, move it, and return the address of the appointment."""
    browser, name = visitor.browser, f"Wanda {uuid4().hex[:6]}"
    visitor.open(f"/office/{shop.slug}/day?date={day}", DESK)
    visitor.follow("09:00", ".free")
    browser.until("document.activeElement.name === 'name'")  # The first thing to type.
    browser.type(name)
    visitor.follow("Book", "main form button")
    assert "Booked." in visitor.text, visitor.text
    address = str(browser.evaluate("location.pathname"))
    visitor.follow("Move", "main .actions a")
    visitor.follow("15:00", ".slots a")
    visitor.follow("Move the appointment")
    assert "Moved." in visitor.text, visitor.text
    assert ", 15:00" in visitor.title
    visitor.open(f"/office/{shop.slug}/day?date={day}", DESK)
    card = f"[...document.querySelectorAll('.card')].some(each => each.textContent.includes({json.dumps(name)}))"
    assert browser.evaluate(card)
    return address


def cancels(visitor: Visitor, address: str) -> None:
    visitor.open(address, DESK)
    visitor.follow("Cancel", "main .actions a")
    visitor.follow("Cancel the appointment")
    assert "Cancelled." in visitor.text, visitor.text
