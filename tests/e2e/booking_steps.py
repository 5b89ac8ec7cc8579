"""Steps of a visitor on the booking site."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from urllib.parse import urlencode, urljoin
from uuid import uuid4

import requests

from tests.e2e.browser import Browser, Form, Page
from tests.e2e.shop import Shop


def times_page(shop: Shop, day: date | None = None, **parameters: object) -> str:
    """Return the address of the times of the shop's service."""
    query = {"offering": shop.offering_id, **({"day": day} if day else {}), **parameters}
    return f"/b/{shop.slug}?{urlencode(query)}"


def time_form(page: Page) -> Form:
    """Return the form whose buttons are the free times."""
    found = [form for form in page.forms if form.action.endswith("/hold")]
    assert len(found) == 1, f"no times on {page.url}: {page.text}"
    return found[0]


def free_times(page: Page) -> list[str]:
    """Return the labels of the free times, in order."""
    return list(time_form(page).values)


def choose(browser: Browser, number: int = 0) -> Page:
    """Choose a free time of the page that is open, which holds it."""
    form = time_form(browser.page)
    return browser.press(form, list(form.values)[number])


def chosen_time(browser: Browser, shop: Shop, day: date, number: int = 0) -> Page:
    """Return the page of details after choosing a time of this day."""
    browser.open(times_page(shop, day))
    page = choose(browser, number)
    assert page.path.endswith("/details"), page.text
    return page


def guest(**changed: str) -> dict[str, str]:
    """Return the contact details of a new guest."""
    return {"name": "Gil Guest", "email": f"guest-{uuid4().hex[:12]}@example.org", **changed}


def managed(browser: Browser) -> Page:
    """Open the page of the appointment from the page that says that it is booked."""
    return browser.follow("Manage this appointment")


def race(browser: Browser, clients: int) -> list[Page]:
    """Choose the first time of the page at once, as several visitors who have all opened it.

    If the server is overloaded, or during a cutover, the form is repeated with the same key.
    """
    form = time_form(browser.page)
    address = urljoin(browser.page.url, form.action)
    chosen = dict([next(iter(form.values.values()))])

    def hold(number: int) -> Page:
        own = {**form.fields, **chosen, "key": f"{form.fields['key']}-{number}"}
        for _ in range(20):
            page = Page(requests.post(address, data=own, timeout=60))
            if page.status not in (503, 504):
                break
            time.sleep(0.25)
        return page

    with ThreadPoolExecutor(clients) as crowd:
        return list(crowd.map(hold, range(clients)))
