"""Mails to a guest's mailbox are limited for bookings and moves, behind both adapters."""

import time
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit
from uuid import uuid4

import pytest
import requests

from monolith.modules.auth.throttle import GUEST_WITH_EMAIL
from tests.e2e.booking_steps import guest
from tests.e2e.browser import Page
from tests.e2e.shared_demo import Product
from tests.e2e.shop import Shop, answered, confirmed_shop, keyed
from tests.polling import eventually
from tests.site import Client


@pytest.fixture(params=["in_process", "http"])
def shop(product: Product, request: pytest.FixtureRequest) -> Shop:
    found: Shop = product.shops[request.param]
    return found


def at(day: date, quarter: int = 0) -> str:
    return (datetime(day.year, day.month, day.day, 8, tzinfo=UTC) + timedelta(minutes=30 * quarter)).isoformat()


class Guest:
    """A visitor who books and changes by forms, without reading pages."""

    def __init__(self, product: Product, shop: Shop, day: date, **series: str) -> None:
        self.url, self.day, self.email = product.installation.url, day, guest()["email"]
        choice = {"offering": shop.offering_id, "key": uuid4().hex, "at": at(day)} | series
        held = self.post(f"/b/{shop.slug}/hold", choice)
        form = Page(requests.get(urljoin(self.url, held.headers["Location"]), timeout=60)).form("Book it")
        booked = self.post(f"/b/{shop.slug}/details", {**form.fields, "name": "Gil Guest", "email": self.email})
        (self.token,) = parse_qs(urlsplit(booked.headers["Location"]).query)["token"]

    def post(self, path: str, form: dict[str, str]) -> requests.Response:
        """Send a form, and repeat it with the same key while the server is overloaded."""
        for _ in range(20):
            answer = requests.post(self.url + path, data=form, timeout=60, allow_redirects=False)
            if answer.status_code != 503:
                break
            time.sleep(0.25)
        return answer

    def change(self, what: str, **form: str) -> requests.Response:
        return self.post(f"/manage/{what}?{urlencode({'token': self.token})}", {"key": uuid4().hex, **form})


def test_moves_by_a_guests_link_are_limited_and_cancelling_stays_possible(product: Product, shop: Shop) -> None:
    someone, version = Guest(product, shop, product.own_day()), 2
    for number in range(1, GUEST_WITH_EMAIL.burst + 5):
        answer = someone.change("move", at=at(someone.day, number % 2), version=str(version))
        if answer.status_code != 303:
            break
        version += 1
    page = Page(answer)
    assert page.status == 429
    assert "Too many attempts. Please wait a moment and try again." in page.text
    assert GUEST_WITH_EMAIL.burst <= number <= GUEST_WITH_EMAIL.burst + 1, "the booking counts too"
    assert someone.change("cancel", version=str(version)).status_code == 303

    def subjects() -> list[str]:
        return [mail.subject for mail in product.installation.appointment_mails_to(someone.email)]

    eventually(lambda: any(subject.startswith("Cancelled") for subject in subjects()), "the last mail")
    assert len(subjects()) <= GUEST_WITH_EMAIL.burst + 2


def test_series_that_a_guest_moves_and_cancels_is_one_mail_each(product: Product) -> None:
    shop, day = confirmed_shop(product.installation, f"own-{uuid4().hex[:8]}", "in_process"), product.own_day()
    someone = Guest(product, shop, day, every="day", count="4", provider=shop.provider_id)

    def subjects() -> list[str]:
        return [mail.subject for mail in product.installation.appointment_mails_to(someone.email)]

    eventually(lambda: len(subjects()) == 1, "the confirmation")
    assert someone.change("move", at=at(day, 3), version="1", following="1").status_code == 303
    eventually(lambda: len(subjects()) > 1, "the mail about the move")
    assert someone.change("cancel-following").status_code == 303
    eventually(lambda: len(subjects()) > 2, "the mail about the cancellation")
    kinds = [(each.partition(":")[0], each.endswith("and 3 more")) for each in subjects()]
    assert kinds == [("Booked", True), ("Moved", True), ("Cancelled", True)]


def test_bookings_and_moves_by_staff_for_one_mailbox_are_limited(product: Product, shop: Shop) -> None:
    owner, root, day = Client(product.installation.url), f"/businesses/{shop.slug}", product.own_day()
    answered(owner.log_in(f"owner@{shop.slug}.example"))
    mailbox, numbers = f"stranger-{uuid4().hex[:12]}", iter(range(100))

    def book(**contact: str) -> requests.Response:
        added = answered(keyed(owner, f"{root}/guests", {"name": "Wanda Walk-in", **contact}))
        wanted = {"offering_id": shop.offering_id, "provider_id": shop.provider_id, "starts_at": at(day, next(numbers))}
        return keyed(owner, f"{root}/appointments", wanted | {"customer_id": added["customer_id"]})

    replies = [book(email=f"{mailbox}+{number}@example.org") for number in range(GUEST_WITH_EMAIL.burst + 3)]
    booked = [answer.json() for answer in replies if answer.status_code == 201]
    assert GUEST_WITH_EMAIL.burst <= len(booked) <= GUEST_WITH_EMAIL.burst + 1
    assert (replies[-1].status_code, replies[-1].json()["code"]) == (429, "too_many_attempts")
    assert book().status_code == 201, "a guest without an address"
    assert book(email=guest()["email"]).status_code == 201, "another mailbox"
    first = f"{root}/appointments/{booked[0]['appointment_id']}"
    moved = {"starts_at": at(day, next(numbers) + 2), "expected_version": 1}
    assert keyed(owner, f"{first}/reschedule", moved).status_code == 429
    assert keyed(owner, f"{first}/reschedule", moved | {"notify": False}).status_code == 200, "without a mail"
    assert keyed(owner, f"{first}/cancel", {}).status_code == 200
