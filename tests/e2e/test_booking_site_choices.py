"""The booking site: what a visitor can choose, and how days, times and time zones are shown.

The numbers are those of the acceptance list of the site.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
import requests

from tests.e2e.booking_steps import choose, chosen_time, free_times, guest, time_form, times_page
from tests.e2e.browser import Browser, Page
from tests.e2e.shared_demo import Product
from tests.e2e.shop import ALWAYS, Shop, answered, confirmed_shop, furnished_shop, keyed
from tests.e2e.test_choosing_a_time import added_offering, in_days, set_hours
from tests.polling import eventually
from tests.site import Client

SITE = "https://www.salon.example"


@pytest.fixture(scope="module")
def shop(product: Product) -> Shop:
    """A business for this module, with one provider, Ada, who performs Massage at the hours that a test sets."""
    return confirmed_shop(product.installation, f"salon-{uuid4().hex[:8]}", "in_process")


@pytest.fixture(scope="module")
def owner(product: Product, shop: Shop) -> Client:
    client = Client(product.installation.url)
    answered(client.log_in(f"owner@{shop.slug}.example"))
    return client


@pytest.fixture
def browser(product: Product) -> Browser:
    return Browser(product.installation.url)


def test_days_can_be_compared_without_opening_them(browser: Browser, shop: Shop, owner: Client) -> None:
    """Points 4, 5 and 22: two weeks, of which the open days are links that say how many times are free."""
    weekday = in_days(3).isoweekday()
    set_hours(owner, shop, [{"weekday": weekday, "opens": "10:00", "closes": "11:30"}])
    page = browser.open(times_page(shop))
    days = [link.words for link in page.links if " free, from " in link.words]
    named = [f"{day:%A} {day.day} {day:%B} , 3 times free, from 10:00" for day in (in_days(3), in_days(10))]
    assert days == named
    assert page.text.count("no free times") == 12
    assert f"{in_days(3):%A} {in_days(3).day} {in_days(3):%B}: 3 times free" in page.text
    assert 'href="#times"' in page.source
    assert all(link.address.endswith("#times") for link in page.links if " free, from " in link.words)


def test_page_opens_on_the_first_day_with_room(browser: Browser, shop: Shop, owner: Client) -> None:
    """Point 3: also when that is in another month; with nothing free at all, it offers the waitlist."""
    set_hours(owner, shop, [])
    page = browser.open(times_page(shop))
    assert "There are no free times" in page.text
    assert "Join the waiting list" in [link.words for link in page.links]
    far = in_days(45)
    path = f"/businesses/{shop.slug}/providers/{shop.provider_id}/overrides/{far}"
    answered(owner.request("PUT", path, json={"mode": "replace", "ranges": [{"opens": "10:00", "closes": "10:30"}]}))
    page = browser.open(times_page(shop))
    assert f"{far:%A} {far.day} {far:%B}: 1 time free" in page.text
    assert f"The first free times are in {far:%B %Y}" in page.text
    answered(owner.request("PUT", path, json={"mode": "regular"}))


def test_many_times_are_grouped_and_few_are_not(browser: Browser, shop: Shop, owner: Client) -> None:
    """Point 7."""
    set_hours(owner, shop, ALWAYS)
    page = browser.open(times_page(shop, in_days(9)))
    assert re.findall("<h3>(.+?)</h3>", page.source) == ["Night", "Morning", "Afternoon", "Evening"]
    set_hours(owner, shop, [{"weekday": weekday, "opens": "09:00", "closes": "15:00"} for weekday in range(1, 8)])
    page = browser.open(times_page(shop, in_days(9)))
    assert (len(free_times(page)), "<h3>" in page.source) == (12, False)


def test_time_zone_is_named_and_changed_without_a_script(browser: Browser, shop: Shop, owner: Client) -> None:
    """Points 6 and 8: another zone shows the same instants, on each later page too."""
    set_hours(owner, shop, [{"weekday": weekday, "opens": "09:00", "closes": "12:00"} for weekday in range(1, 8)])
    page = browser.open(times_page(shop, in_days(9)))
    assert "Times in Europe/Lisbon" in page.text
    assert "data-detect" in page.source
    before = instants(browser)
    browser.follow("Change the time zone")
    page = browser.submit("Show times in this zone", zone="Asia/Tokyo")
    assert "Times in Asia/Tokyo (UTC+09:00)" in page.text
    assert "data-detect" not in page.source
    assert instants(browser) == before
    shown = free_times(page)[0]
    details = choose(browser)
    assert f"{shown} (Asia/Tokyo)" in details.text
    changes = {link.words for link in details.links if link.words.startswith("Change")}
    assert changes == {"Change the service", "Change who it is with", "Change the time"}
    assert all("zone=Asia" in link.address for link in details.links if link.words in changes)
    assert "(Asia/Tokyo)" in browser.submit("Book it", **guest()).text


def test_business_on_site_shows_its_own_zone_only(browser: Browser, shop: Shop, owner: Client) -> None:
    """Point 8."""
    answered(owner.request("PATCH", f"/businesses/{shop.slug}", json={"fixed_zone": True}))
    address = times_page(shop, in_days(9), zone="Asia/Tokyo")
    every_process_follows(lambda: "Times in Europe/Lisbon" in browser.open(address).text)
    page = browser.page
    assert "data-detect" not in page.source
    assert "Change the time zone" not in [link.words for link in page.links]
    answered(owner.request("PATCH", f"/businesses/{shop.slug}", json={"fixed_zone": False}))
    every_process_follows(lambda: "Times in Asia/Tokyo" in browser.open(address).text)


def test_hours_that_a_clock_change_repeats_say_which(browser: Browser, shop: Shop, owner: Client) -> None:
    """Point 9."""
    set_hours(owner, shop, ALWAYS)
    page = browser.open(times_page(shop, end_of_summer_time()))
    assert {"01:00 WEST", "01:30 WEST", "01:00 WET", "01:30 WET"} <= set(free_times(page))


def test_guest_who_waits_receives_the_link_to_leave(
    browser: Browser, product: Product, shop: Shop, owner: Client
) -> None:
    """The only time of the day is taken: the guest waits, and is not offered one at once."""
    day, person = in_days(16), guest()
    set_hours(owner, shop, [{"weekday": day.isoweekday(), "opens": "10:00", "closes": "10:30"}])
    chosen_time(browser, shop, day)
    browser.submit("Book it", **guest())
    browser.open(times_page(shop, day))
    browser.follow("Join the waiting list")
    page = browser.submit("Join the waiting list", first=str(day), last=str(day + timedelta(days=1)), **person)
    assert "You are on the waiting list" in page.text
    assert f"{day:%a} {day.day} {day:%b %Y} to " in page.text, "days, without times"
    (mail,) = eventually(lambda: product.installation.mails_to(person["email"]), "the mail")
    assert mail.subject == "On the waiting list: Massage"
    assert f"{day:%A} {day.day} {day:%B %Y} to " in mail.text
    (link,) = re.findall(r"http\S+/waiting\?token=\S+", mail.text)
    assert "You are on the waiting list" in browser.open(link).text
    assert "You have left the waiting list" in browser.submit("Leave the waiting list").text


def test_wrong_details_are_named_with_links_to_their_fields(browser: Browser, shop: Shop, owner: Client) -> None:
    """Point 20."""
    set_hours(owner, shop, ALWAYS)
    page = chosen_time(browser, shop, in_days(9))
    assert re.findall('autocomplete="(.+?)"', page.source) == ["name", "email", "tel"]
    page = browser.submit("Book it", name=" ", email="gil@", phone="call me", note="kept")
    assert page.status == 400
    fragments = [link.address.partition("#")[2] for link in page.links]
    assert [each for each in fragments if each in ("name", "email", "phone")] == ["name", "email", "phone"]
    assert page.source.count('aria-invalid="true"') == 3
    assert (page.form("Book it").fields["email"], page.form("Book it").fields["note"]) == ("gil@", "kept")
    assert "You are booked" in browser.submit("Book it", **guest(phone="")).text


def test_several_services_follow_one_another_in_one_visit(browser: Browser, shop: Shop, owner: Client) -> None:
    set_hours(owner, shop, ALWAYS)
    sauna = added_offering(owner, shop, f"Sauna {uuid4().hex[:4]}")
    page = browser.open(f"/b/{shop.slug}?services=1&several=1")
    assert "Choose services that follow one another" in page.text
    assert "free of charge" in page.text, "another service has a price"
    assert "Choose at least one service." in browser.submit("Show times").text
    page = browser.open(f"{times_page(shop, in_days(11))}&offering={sauna}")
    assert "60 minutes" in page.text
    at = list(time_form(page).values.values())[2][1]
    form = [("offering", shop.offering_id), ("offering", sauna), ("key", uuid4().hex), ("at", at)]
    details = browser.session.post(f"{browser.site}/b/{shop.slug}/hold", data=form, timeout=30)
    fields = {"key": Page(details).form("Book it").fields["key"], **guest()}
    booked, again = (requests.post(details.url, data=fields, timeout=30) for _ in range(2))
    assert "You are booked" in booked.text
    assert (booked.text.count("with Ada"), again.url) == (2, booked.url), "the same form books once"


def test_series_books_the_free_times_and_says_what_is_missing(browser: Browser, shop: Shop, owner: Client) -> None:
    set_hours(owner, shop, ALWAYS)
    chosen_time(browser, shop, in_days(27))
    browser.submit("Book it", **guest())
    browser.open(times_page(shop, in_days(20)))
    browser.follow("Every week")
    browser.follow("4 times")
    browser.open(f"{browser.page.url}&day={in_days(20)}")
    details = choose(browser)
    assert "every week, 4 times" in details.text
    page = browser.submit("Book it", **guest())
    assert "1 of the times was not free and is not booked" in page.text
    assert page.text.count("with Ada") == 3
    browser.follow("Manage this appointment")
    browser.follow("Choose another time")
    browser.open(next(link.address for link in browser.page.links if "&at=" in link.address))
    (button,) = [words for form in browser.page.forms for words in form.buttons if words.startswith("Move to")]
    moved = browser.submit(button, following="on")
    hour = button.rpartition(", ")[2]
    assert moved.text.count(f", {hour}") >= 3, "all moved by the same difference"
    assert f"{hour} and 2 later ones" in moved.text
    cancelled = browser.submit("Cancel this and all that follow")
    assert "This appointment was cancelled" in cancelled.text
    assert "The other appointments of this series" not in cancelled.text


def test_guest_moves_to_another_provider(browser: Browser, product: Product) -> None:
    duo = furnished_shop(product.installation.url, f"duo-{uuid4().hex[:8]}", "in_process")
    owner = Client(product.installation.url)
    answered(owner.log_in(f"owner@{duo.slug}.example"))
    ben = answered(keyed(owner, f"/businesses/{duo.slug}/providers", {"name": "Ben", "zone": "Europe/Lisbon"}))
    at_ben = f"/businesses/{duo.slug}/providers/{ben['provider_id']}"
    answered(owner.request("PUT", f"{at_ben}/offerings", json={"offering_ids": [duo.offering_id]}))
    answered(owner.request("PUT", f"{at_ben}/weekly-hours", json={"ranges": ALWAYS}))
    browser.open(times_page(duo, in_days(9), provider=duo.provider_id))
    choose(browser)
    assert "With Ada" in browser.submit("Book it", **guest()).text
    browser.follow("Manage this appointment")
    browser.follow("Choose another time")
    browser.follow("Ben")
    browser.open(next(link.address for link in browser.page.links if "&at=" in link.address))
    (button,) = [words for form in browser.page.forms for words in form.buttons if words.startswith("Move to")]
    assert button.endswith(" with Ben")
    assert "With Ben" in browser.submit(button).text


def test_only_the_sites_of_the_business_may_embed_it(browser: Browser, shop: Shop, owner: Client) -> None:
    """Point 25: no cookie is needed, and the page of a link is never framed."""
    assert "frame-ancestors 'none'" in browser.open(times_page(shop)).headers["Content-Security-Policy"]
    answered(owner.request("PATCH", f"/businesses/{shop.slug}", json={"embedding_sites": SITE}))
    set_hours(owner, shop, ALWAYS)
    every_process_follows(lambda: SITE in browser.open(times_page(shop)).headers["Content-Security-Policy"])
    browser.session.headers["Sec-Fetch-Dest"] = "iframe"
    framed = [chosen_time(browser, shop, in_days(9)), browser.submit("Book it", **guest())]
    assert all(f"frame-ancestors {SITE}" in page.headers["Content-Security-Policy"] for page in framed)
    assert 'target="_blank" rel="noopener">Manage this appointment' in framed[-1].source
    managed = browser.follow("Manage this appointment")
    assert "frame-ancestors 'none'" in managed.headers["Content-Security-Policy"]
    wrong = owner.request("PATCH", f"/businesses/{shop.slug}", json={"embedding_sites": "*; script-src *"})
    assert wrong.status_code == 400


def test_picture_of_the_business_is_loaded_from_its_host_only(browser: Browser, shop: Shop, owner: Client) -> None:
    first = f"/b/{shop.slug}?services=1"
    policy = "img-src 'self'"
    assert f"{policy};" in browser.open(first).headers["Content-Security-Policy"]
    answered(owner.request("PATCH", f"/businesses/{shop.slug}", json={"picture_url": "https://cdn.example/a.jpg"}))
    every_process_follows(lambda: 'src="https://cdn.example/a.jpg"' in browser.open(first).source)
    assert f"{policy} https://cdn.example;" in browser.page.headers["Content-Security-Policy"]
    assert f"{policy};" in browser.open(times_page(shop)).headers["Content-Security-Policy"]
    answered(owner.request("PATCH", f"/businesses/{shop.slug}", json={"picture_url": ""}))
    every_process_follows(lambda: "cdn.example" not in browser.open(first).source)


def test_first_page_is_small(browser: Browser, shop: Shop, owner: Client) -> None:
    """Point 25: at most 50 kB and 6 requests, the script at most 3 kB."""
    set_hours(owner, shop, ALWAYS)
    for path in (f"/b/{shop.slug}?services=1", times_page(shop)):
        page = browser.open(path)
        files = re.findall('(?:src|href)="(/static/[^"]+)"', page.source)
        sizes = {file: len(browser.session.get(browser.site + file, timeout=30).content) for file in files}
        assert len(files) <= 5
        assert len(page.source.encode()) + sum(sizes.values()) <= 50_000, sizes
        assert sizes["/static/booking.js"] <= 3_000


def test_options_of_a_service_are_kept_to_the_booking(browser: Browser, shop: Shop, owner: Client) -> None:
    """Point 6: duration and seats."""
    fields = {
        "name": f"Yoga {uuid4().hex[:4]}",
        "duration_minutes": 30,
        "duration_choices_minutes": [60],
        "capacity": 4,
    }
    offering = answered(keyed(owner, f"/businesses/{shop.slug}/offerings", fields))["offering_id"]
    path = f"/businesses/{shop.slug}/providers/{shop.provider_id}/offerings"
    answered(owner.request("PUT", path, json={"offering_ids": [shop.offering_id, offering]}))
    set_hours(owner, shop, ALWAYS)
    browser.open(f"/b/{shop.slug}?offering={offering}")
    browser.follow("60 minutes")
    browser.follow("3 people")
    page = browser.open(f"{browser.page.url}&day={in_days(13)}")
    assert all(words.endswith("4 left") for words in free_times(page))
    assert "60 minutes" in choose(browser).text
    booked = browser.submit("Book it", **guest())
    assert "People 3" in booked.text


def every_process_follows(condition: Callable[[], bool]) -> None:
    """Wait until the web processes have read a change of the business, of which each is notified."""
    eventually(lambda: all(condition() for _ in range(6)), "the change")


def instants(browser: Browser) -> list[str]:
    return [value for _, value in time_form(browser.page).values.values()]


def end_of_summer_time() -> date:
    """Return the next day on which clocks in Portugal are set back: the last Sunday of an October."""
    today = datetime.now(UTC).date()
    for year in (today.year, today.year + 1):
        last = date(year, 10, 31)
        sunday = last - timedelta(days=last.isoweekday() % 7)
        if sunday > today:
            return sunday
    raise AssertionError
