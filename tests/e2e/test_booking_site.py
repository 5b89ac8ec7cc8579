"""The booking site, behind both adapters: a guest books, loses a time, changes and cancels. No script, no cookie.

The numbers are those of the acceptance list of the site.
"""

import re

import pytest
import requests

from tests.e2e.booking_steps import choose, chosen_time, free_times, guest, managed, race, time_form, times_page
from tests.e2e.browser import Browser, Page
from tests.e2e.shared_demo import Product
from tests.e2e.shop import Customer, Shop, answered
from tests.polling import eventually

BOOKED = "SELECT count(*) FROM scheduling.appointment WHERE business_id = %s AND starts_at = %s AND status = 'booked'"


@pytest.fixture(params=["in_process", "http"])
def shop(product: Product, request: pytest.FixtureRequest) -> Shop:
    found: Shop = product.shops[request.param]
    return found


@pytest.fixture
def browser(product: Product) -> Browser:
    return Browser(product.installation.url)


def test_guest_books_in_four_pages_and_manages_by_the_link_of_the_mail(
    browser: Browser, product: Product, shop: Shop
) -> None:
    """Points 1, 2, 10, 16, 17, 18 and 24."""
    day, person = product.own_day(), guest(phone="+351 21 000 0000", note="by the window")
    pages = [browser.open(f"/b/{shop.slug}?services=1"), browser.follow("Massage")]
    assert not [form for page in pages for form in page.forms if {"name", "email"} & form.fields.keys()]
    browser.open(times_page(shop, day))
    details = choose(browser)
    assert re.search(r"This time is held for you until \d\d:\d\d", details.text)
    booked = browser.submit("Book it", **person)
    assert [*(page.path for page in pages), details.path, booked.path] == [
        *[f"/b/{shop.slug}"] * 2,
        f"/b/{shop.slug}/details",
        f"/b/{shop.slug}/booked",
    ]
    assert not browser.session.cookies
    assert "You are booked" in booked.text
    assert "by the window" in booked.text
    assert re.search(r"Reference [0-9A-Z]{4}-[0-9A-Z]{4}", booked.text)
    assert {"Calendar file (.ics)", "Google Calendar", "Outlook"} <= {link.words for link in booked.links}

    (mail,) = eventually(lambda: product.installation.appointment_mails_to(person["email"]), "the mail")
    assert f"{day:%A} {day.day} {day:%B %Y}" in mail.text
    assert "(Europe/Lisbon, UTC+" in mail.text
    assert "Where: " in mail.text
    (link,) = re.findall(r"http\S+/manage\?token=\S+", mail.text)
    stranger = Browser(product.installation.url)
    page = stranger.open(link)
    assert "You are booked" in page.text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    before, _, token = link.partition("token=")
    other = product.shops["http" if shop.adapter == "in_process" else "in_process"]
    assert stranger.open(f"/b/{other.slug}/booked?token={token}").status == 404, "a token is for one business"
    assert stranger.open(f"{before}token={'B' if token[0] == 'A' else 'A'}{token[1:]}").status == 404


def test_appointment_as_a_calendar_file_has_the_uid_of_the_mails(
    browser: Browser, product: Product, shop: Shop
) -> None:
    """Point 16."""
    chosen_time(browser, shop, product.own_day())
    person = guest()
    browser.submit("Book it", **person)
    address = next(link.address for link in browser.page.links if ".ics" in link.words)
    answer = browser.session.get(address, timeout=30)
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert "METHOD:PUBLISH" in answer.text
    (mail,) = eventually(lambda: product.installation.appointment_mails_to(person["email"]), "the mail")
    assert uid_of(answer.text) == uid_of(mail.calendars[0])


def test_opening_a_link_changes_nothing(browser: Browser, product: Product, shop: Shop) -> None:
    """Point 17: mail programs open links by themselves."""
    chosen_time(browser, shop, product.own_day())
    browser.submit("Book it", **guest())
    page = managed(browser)
    version = page.form("Cancel this appointment").fields["version"]
    for link in page.links:
        if link.address.startswith(f"{browser.site}/manage"):
            browser.session.get(link.address, timeout=30)
    for path in ("confirm", "cancel"):
        assert browser.session.get(page.url.replace("/manage", f"/manage/{path}"), timeout=30).status_code == 405
    assert browser.open(page.url).form("Cancel this appointment").fields["version"] == version


def test_guest_moves_and_cancels(browser: Browser, product: Product, shop: Shop) -> None:
    """Point 19."""
    chosen_time(browser, shop, product.own_day())
    browser.submit("Book it", **guest())
    managed(browser)
    moving = browser.follow("Choose another time")
    assert "It keeps this time until you have moved it" in moving.text
    assert "You can move it free of charge until" in moving.text
    browser.open(next(link.address for link in moving.links if "&at=" in link.address))
    (button,) = [words for form in browser.page.forms for words in form.buttons if words.startswith("Move to")]
    moved = browser.submit(button)
    assert button.removeprefix("Move to ") in moved.text
    cancelled = browser.submit("Cancel this appointment", reason="I am ill")
    assert "This appointment was cancelled" in cancelled.text
    assert "Reason I am ill" in cancelled.text
    history = cancelled.text.partition("History")[2]
    assert [word for word in ("Held", "Confirmed", "Moved: ", "Cancelled") if word not in history] == []
    assert "Choose a time" in browser.follow("Book Massage again").text


def test_time_lost_to_another_customer_keeps_what_was_typed(browser: Browser, product: Product, shop: Shop) -> None:
    """Points 12 and 13: the hold has ended, and someone else has booked the time."""
    day, person = product.own_day(), guest(phone="123 456", note="my first visit")
    form = chosen_time(browser, shop, day).form("Book it")
    released(browser)
    other = Browser(product.installation.url)
    chosen_time(other, shop, day)
    assert "You are booked" in other.submit("Book it", **guest()).text

    page = browser.send(form, **person)
    assert (page.status, "This time is no longer available" in page.text) == (409, True)
    assert 'role="alert" tabindex="-1" id="summary" autofocus' in page.source
    (again,) = [each for each in page.forms if "note" in each.fields]
    assert {name: again.fields[name] for name in person} == person
    assert again.fields["token"] == form.fields["token"], "the key of the booking follows from it"
    near = list(again.values)
    assert len(near) >= 3
    booked = browser.press(again, near[0])
    assert "You are booked" in booked.text
    assert near[0] in booked.text
    assert browser.press(again, near[0]).url == booked.url, "the same form books once"


def test_hold_that_has_ended_is_no_refusal_while_the_time_is_free(
    browser: Browser, product: Product, shop: Shop
) -> None:
    """Point 12."""
    page = chosen_time(browser, shop, product.own_day())
    form = page.form("Book it")
    released(browser)
    assert "no longer held for you" in browser.open(page.url).text
    assert "You are booked" in browser.send(form, **guest()).text


def test_hold_can_be_extended_and_keeps_what_was_typed(browser: Browser, product: Product, shop: Shop) -> None:
    """Point 11: without a script, and without the required fields."""
    page = chosen_time(browser, shop, product.own_day())
    form = page.form("Hold the time longer")
    address = f"{browser.site}/b/{shop.slug}/extend"
    answer = Page(requests.post(address, data={**form.fields, "note": "half a note"}, timeout=30))
    assert (answer.status, answer.form("Book it").fields["note"]) == (200, "half a note")
    (before, after) = (held_until(each) for each in (page, answer))
    assert after > before
    assert "You are booked" in browser.send(answer.form("Book it"), **guest()).text


@pytest.mark.parametrize("clients", [2, 64])
def test_race_for_one_time_has_one_winner(browser: Browser, product: Product, shop: Shop, clients: int) -> None:
    """Points 13 and 15."""
    day = product.own_day()
    browser.open(times_page(shop, day))
    pages = race(browser, clients)
    winners = [page for page in pages if page.path.endswith("/details")]
    losers = [page for page in pages if page.status == 409]
    assert (len(winners), len(losers)) == (1, clients - 1)
    assert all("Nearest free times" in page.text for page in losers)
    _, at = next(iter(time_form(browser.page).values.values()))
    (winner,) = winners
    answer = requests.post(winner.url, data={**winner.form("Book it").fields, **guest()}, timeout=30)
    assert "You are booked" in answer.text
    assert product.installation.sql(shop.adapter, BOOKED, shop.business_id, at) == [(1,)]


def test_list_of_times_is_loaded_again_after_going_back(browser: Browser, product: Product, shop: Shop) -> None:
    """Point 14."""
    day = product.own_day()
    page = browser.open(times_page(shop, day))
    assert page.headers["Cache-Control"] == "no-store"
    first = free_times(page)[0]
    choose(browser)
    assert free_times(browser.open(page.url))[0] != first


def test_lost_link_is_sent_to_the_address_of_the_booking_only(browser: Browser, product: Product, shop: Shop) -> None:
    """Point 18: the answer does not reveal whether there is such an appointment."""
    person = guest()
    chosen_time(browser, shop, product.own_day())
    booked = browser.submit("Book it", **person)
    (reference,) = re.findall(r"Reference ([0-9A-Z]{4}-[0-9A-Z]{4})", booked.text)
    stranger = guest()["email"]
    answers = []
    for email in (stranger, person["email"]):
        browser.open(f"/b/{shop.slug}/find")
        answers.append(browser.submit("Send the link", reference=reference.lower().replace("-", " "), email=email).text)
    assert answers[0] == answers[1]
    found = f"Your appointment {reference}"
    mails = eventually(
        lambda: [mail for mail in product.installation.mails_to(person["email"]) if mail.subject == found], "the link"
    )
    (link,) = re.findall(r"http\S+/manage\?token=\S+", mails[0].text)
    assert "You are booked" in browser.open(link).text
    assert product.installation.mails_to(stranger) == []


def test_guest_waits_and_leaves(browser: Browser, product: Product, shop: Shop) -> None:
    """The waitlist needs no account either. All times of the day are free, so one is offered at once."""
    day = product.own_day()
    browser.open(times_page(shop, day))
    browser.follow("Join the waiting list")
    page = browser.submit("Join the waiting list", first=str(day), last=str(day), **guest())
    assert ("A time is held for you" in page.text, "open the offer and confirm it" in page.text) == (True, True)
    assert "This time is held for you" in browser.follow("View the offer").text
    browser.open(page.url)
    assert "You have left the waiting list" in browser.submit("Leave the waiting list").text


def test_signed_in_customer_is_asked_nothing_twice(browser: Browser, product: Product, shop: Shop) -> None:
    """Point 20."""
    customer = Customer(product.installation, shop)
    browser.session.cookies.set("session", customer.client.session.cookies["session"])
    page = chosen_time(browser, shop, product.own_day())
    assert "Booking as Cleo Customer" in page.text
    assert not {"name", "email", "phone"} & page.form("Book it").fields.keys()
    browser.submit("Book it")
    (listed,) = answered(customer.appointments())["appointments"]
    assert listed["status"] == "booked"


def released(browser: Browser) -> None:
    """Choose the last time of the day instead, which releases the time that was held."""
    browser.follow("Change the time")
    choose(browser, -1)


def held_until(page: Page) -> int:
    (until,) = re.findall('data-until="([0-9]+)"', page.source)
    return int(until)


def uid_of(calendar: str) -> str:
    (line,) = [line for line in calendar.splitlines() if line.startswith("UID:")]
    return line
