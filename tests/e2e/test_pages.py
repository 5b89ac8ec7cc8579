"""The pages, on success and on errors."""

import re
from uuid import UUID, uuid4
from xml.etree import ElementTree

import pytest
import requests

from tests.e2e.booking_steps import choose, chosen_time, managed, times_page
from tests.e2e.browser import Browser, Page
from tests.e2e.shared_demo import Product
from tests.e2e.shop import Customer, Shop, answered
from tests.site import PASSWORD

EVIL = "https://evil.example/"
FIRST, LAST = (f"?key=k&at={at}" for at in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"))


@pytest.fixture
def shop(product: Product) -> Shop:
    return product.shops["in_process"]


@pytest.fixture
def browser(product: Product) -> Browser:
    return Browser(product.installation.url)


@pytest.fixture
def customer(product: Product, shop: Shop) -> Customer:
    return Customer(product.installation, shop)


@pytest.fixture
def signed_in(browser: Browser, shop: Shop, customer: Customer) -> Browser:
    """A browser for this customer only."""
    sign_in(browser, shop, customer)
    return browser


@pytest.mark.parametrize(
    "path", ["/", "/b/near-salon", "/b/far-salon", "/b/near-salon/sign-in", "/b/near-salon/sign-up"]
)
def test_public_pages(browser: Browser, path: str) -> None:
    page = browser.open(path)
    assert page.status == 200
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]
    assert "style=" not in page.source
    assert all('src="/static/' in script for script in re.findall("<script[^>]*>", page.source))


@pytest.mark.parametrize(
    "query, problem",
    [
        ("day=yesterday", "is not a date"),
        ("day=2030-02-30", "is not a date"),
        ("day=0001-01-01", "has passed, so this page shows today"),
        ("day=9999-12-31", "two years ahead"),
        ("zone=Mars/Olympus", "time zone is unknown"),
        ("minutes=7&seats=99&every=never&provider=x", ""),
    ],
)
def test_meaningless_query_shows_the_page_and_what_was_wrong(
    browser: Browser, shop: Shop, query: str, problem: str
) -> None:
    page = browser.open(f"{times_page(shop)}&{query}")
    assert (page.status, "Massage" in page.text) == (200, True)
    assert problem in page.text
    assert ('role="alert"' in page.source) == bool(problem)


def test_pages_have_an_icon(browser: Browser) -> None:
    page = browser.open("/")
    (address,) = re.findall(r'<link rel="icon" type="image/svg\+xml" href="([^"]+)">', page.source)
    icon = browser.session.get(browser.site + address, timeout=30)
    assert (icon.status_code, icon.headers["Content-Type"].partition(";")[0]) == (200, "image/svg+xml")
    ElementTree.fromstring(icon.text)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_borders_of_controls_have_enough_contrast(browser: Browser, scheme: int) -> None:
    """WCAG 2.2, 1.4.11: at least 3:1 against the page and against what a control is filled with."""
    styles = browser.session.get(f"{browser.site}/static/site.css", timeout=30).text
    colours = {name: pair.split(", ") for name, pair in re.findall(r"--(\w+): light-dark\(([^)]+)\)", styles)}
    (border,) = re.findall(r"^input, select, textarea \{[^}]*border: 1px solid var\(--(\w+)\)", styles, re.MULTILINE)
    edge = luminance(colours[border][scheme])
    for surface in ("paper", "sheet"):
        lower, higher = sorted((edge, luminance(colours[surface][scheme])))
        assert (higher + 0.05) / (lower + 0.05) >= 3


@pytest.mark.parametrize(
    "path, status",
    [
        ("/b/no-such-salon", 404),
        ("/b/near-salon/appointments/17", 404),
        ("/b/near-salon/nothing", 404),
        ("/sign-out", 405),
        ("/b/near-salon/sign-in/", 404),
    ],
)
def test_unknown_address_shows_an_error_page(browser: Browser, path: str, status: int) -> None:
    page = browser.open(path)
    assert page.status == status
    assert browser.follow("Go back").status == 200


def test_visitor_who_has_chosen_a_time_may_sign_up_first(browser: Browser, product: Product, shop: Shop) -> None:
    chosen_time(browser, shop, product.own_day())
    browser.follow("Sign in first")
    browser.follow("Create an account")
    browser.submit("Create account", name="Ida", email=new_address(), password=PASSWORD)
    choose(browser)
    assert "Booking as Ida" in browser.page.text
    assert "You are booked" in browser.submit("Book it").text
    assert "Massage" in browser.follow("My appointments").text


def test_link_of_a_mail_leads_to_the_appointments_at_its_business(signed_in: Browser, shop: Shop) -> None:
    link = f"/appointments/{shop.business_id}"
    assert Browser(signed_in.site).open(link).path == f"/b/{shop.slug}/sign-in"
    assert signed_in.open(link).path == f"/b/{shop.slug}/appointments"
    assert signed_in.open(f"/appointments/{UUID(int=1)}").status == 404


def test_signing_in_makes_a_user_a_customer_of_the_business(
    product: Product, signed_in: Browser, customer: Customer
) -> None:
    far = product.shops["http"]
    signed_in.open(f"/b/{far.slug}/appointments")
    assert signed_in.page.path == "/b/far-salon/sign-in"
    signed_in.submit("Sign in", email=customer.email, password=PASSWORD)
    assert "You have no appointments ahead" in signed_in.page.text
    assert "You have no earlier appointments" in signed_in.follow("Earlier appointments").text


def test_booking_makes_a_signed_in_user_a_customer_of_the_business(product: Product, signed_in: Browser) -> None:
    far = product.shops["http"]
    chosen_time(signed_in, far, product.own_day())
    assert "You are booked" in signed_in.submit("Book it").text
    assert "Massage" in signed_in.open(f"/b/{far.slug}/appointments").text


def test_wrong_password_is_reported_and_not_echoed(browser: Browser, shop: Shop, customer: Customer) -> None:
    browser.open(f"/b/{shop.slug}/sign-in")
    page = browser.submit("Sign in", email=customer.email, password="not the password")
    assert page.status == 401
    assert page.form("Sign in").fields["email"] == customer.email
    assert page.form("Sign in").fields["password"] == ""
    assert "not the password" not in page.source


def test_form_submitted_twice_books_once(signed_in: Browser, product: Product, shop: Shop, customer: Customer) -> None:
    chosen_time(signed_in, shop, product.own_day())
    form = signed_in.page.form("Book it")
    assert signed_in.send(form).url == signed_in.send(form).url
    assert len(answered(customer.appointments())["appointments"]) == 1


def test_appointment_cancelled_in_two_tabs(signed_in: Browser, product: Product, shop: Shop) -> None:
    appointment = booked(signed_in, product, shop).url
    first, second = (signed_in.open(appointment).form("Cancel this appointment") for _ in range(2))
    assert "was cancelled" in signed_in.send(first).text
    page = signed_in.send(second)
    assert page.status == 409
    assert "This appointment was cancelled" in page.text
    assert not any("Cancel this appointment" in form.buttons for form in page.forms)


def test_appointment_of_another_customer_is_not_found(signed_in: Browser, shop: Shop, product: Product) -> None:
    other = Customer(product.installation, shop)
    starts_at = answered(other.slots_on(product.own_day()))["slots"][0]["starts_at"]
    appointment_id = answered(other.book(starts_at))["appointment_id"]
    page = signed_in.open(f"/b/{shop.slug}/appointments/{appointment_id}")
    assert page.status == 404
    assert "Massage" not in page.text


@pytest.mark.parametrize(
    "query", ["", "?offering=x&key=k&at=z", "?key=k&at=2030-01-01T10:00:00", "?token=x", FIRST, LAST]
)
def test_page_of_details_without_a_time(browser: Browser, shop: Shop, query: str) -> None:
    page = browser.open(f"/b/{shop.slug}/details{query}")
    assert page.status in (400, 404)
    assert browser.follow("Go back").status == 200


@pytest.mark.row("H38")
@pytest.mark.parametrize("after", ["//evil.example", EVIL, "/\\evil.example", "javascript:alert(1)", "/\tx"])
def test_signing_in_never_redirects_to_another_site(
    browser: Browser, shop: Shop, customer: Customer, after: str
) -> None:
    for address, otherwise in ((f"/b/{shop.slug}/sign-in", f"/b/{shop.slug}"), ("/sign-in", "/account")):
        browser.open(address)
        form = browser.page.form("Sign in")
        page = browser.send(form, email=customer.email, password=PASSWORD, next=after)
        assert page.url == browser.site + otherwise


@pytest.mark.row("H11")
@pytest.mark.parametrize(
    "headers", [{"Origin": EVIL.rstrip("/")}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
def test_cross_site_form_is_refused(
    signed_in: Browser, product: Product, shop: Shop, customer: Customer, headers: dict[str, str]
) -> None:
    page = booked(signed_in, product, shop)
    form = page.form("Cancel this appointment")
    answer = signed_in.session.post(signed_in.site + form.action, data=form.fields, headers=headers, timeout=30)
    assert answer.status_code == 403
    assert "came from another site" in answer.text
    assert answered(customer.appointments())["appointments"][-1]["status"] == "booked"


@pytest.mark.row("H34")
def test_user_input_is_never_markup(signed_in: Browser, product: Product, shop: Shop) -> None:
    script = "<script>alert(1)</script>"
    chosen_time(signed_in, shop, product.own_day())
    page = signed_in.submit("Book it", note=script)
    assert script in page.text
    assert "<script" not in page.source
    assert "<script" not in signed_in.open(f"/b/{shop.slug}/sign-in?next=/{script}").source


def test_taken_short_name_is_reported(browser: Browser) -> None:
    browser.open("/")
    typed = {"business_name": "A <b>bold</b> one", "name": "Olga", "email": new_address(), "password": PASSWORD}
    page = browser.submit("Create business", slug="near-salon", **typed)
    assert page.status == 409
    assert page.form("Create business").fields["business_name"] == "A <b>bold</b> one"
    assert page.form("Create business").fields["password"] == ""
    slug = f"salon-{uuid4().hex[:8]}"
    page = browser.submit("Create business", slug=slug, password=PASSWORD)
    assert (page.status, page.path) == (200, f"/office/{slug}/start")
    assert "<b>bold" not in page.source


def test_signing_out_ends_the_session_everywhere(signed_in: Browser, shop: Shop) -> None:
    stolen = requests.Session()
    stolen.cookies.update(signed_in.session.cookies)
    signed_in.open(f"/b/{shop.slug}")
    signed_in.submit("Sign out")
    answer = stolen.get(f"{signed_in.site}/b/{shop.slug}/appointments", allow_redirects=False, timeout=30)
    assert answer.status_code == 303
    assert "/sign-in" in answer.headers["Location"]


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour like `#0b5cad`, as WCAG defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def sign_in(browser: Browser, shop: Shop, customer: Customer) -> None:
    browser.open(f"/b/{shop.slug}/sign-in")
    assert browser.submit("Sign in", email=customer.email, password=PASSWORD).status == 200


def booked(browser: Browser, product: Product, shop: Shop) -> Page:
    """Book on a day that no other test uses, and return the page of the appointment."""
    chosen_time(browser, shop, product.own_day())
    assert "You are booked" in browser.submit("Book it").text
    return managed(browser)


def new_address() -> str:
    return f"person-{uuid4().hex[:12]}@example.org"
