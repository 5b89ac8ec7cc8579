"""The product in German, through the real server: a guest's journey, the account, the back office, the mails."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest

from monolith.shared.localization import formats
from tests.e2e.booking_steps import choose, guest, times_page
from tests.e2e.browser import Browser, Page
from tests.e2e.shared_demo import Product
from tests.e2e.shop import Shop, answered, confirmed_shop
from tests.polling import eventually
from tests.site import PASSWORD, Client

GERMAN = {"Accept-Language": "de-DE,de;q=0.9,en;q=0.5"}


@pytest.fixture(scope="module")
def shop(product: Product) -> Shop:
    """A business whose own language is German."""
    opened = confirmed_shop(product.installation, f"salon-{uuid4().hex[:8]}", "in_process")
    owner = owner_of(product, opened)
    answered(owner.request("PATCH", f"/businesses/{opened.slug}", json={"language": "de"}))
    return opened


@pytest.fixture
def browser(product: Product) -> Iterator[Browser]:
    browser = Browser(product.installation.url)
    browser.session.headers.update(GERMAN)
    yield browser
    browser.session.close()


def owner_of(product: Product, shop: Shop) -> Client:
    owner = Client(product.installation.url)
    answered(owner.log_in(f"owner@{shop.slug}.example"))
    return owner


def in_german(page: Page) -> str:
    """Return the text of a page that says that it is German."""
    assert page.headers["Content-Language"] == "de"
    assert {"Accept-Language", "Cookie"} <= set(page.headers["Vary"].split(", "))
    assert '<html lang="de">' in page.source
    assert "%(" not in page.text
    return page.text.replace("\N{NO-BREAK SPACE}", " ")


def test_guest_books_moves_and_cancels(browser: Browser, product: Product) -> None:
    """The business is English: the language is that of the browser, and so of the mails to this guest."""
    shop, day, person = product.shops["in_process"], product.own_day(), guest()
    assert "Leistung wählen" in in_german(browser.open(f"/b/{shop.slug}?services=1"))
    times = in_german(browser.open(times_page(shop, day)))
    assert f"{formats.long_day(day, 'de')}: " in times
    assert re.search(r"\d+ Termine frei, ab \d\d:\d\d Uhr", times)
    details = in_german(choose(browser))
    assert re.search(r"Dieser Termin ist bis \d\d:\d\d Uhr \(.+\) für Sie reserviert\.", details)
    assert "30 Minuten, 42,00 €" in details
    refused = in_german(browser.submit("Jetzt buchen", name=" ", email="niemand"))
    assert "Geben Sie Ihren Namen ein" in refused
    assert "Geben Sie eine E-Mail-Adresse ein" in refused
    booked = in_german(browser.submit("Jetzt buchen", **person))
    assert "Ihr Termin ist gebucht" in booked
    assert f"{formats.full_day(day, 'de')}, " in booked

    assert "kostenlos absagen" in in_german(browser.follow("Diesen Termin verwalten"))
    browser.follow("Anderen Termin wählen")
    start = next(link for link in browser.page.links if re.fullmatch(r"\d\d:\d\d", link.words))
    browser.open(start.address)
    (button,) = (each for form in browser.page.forms for each in form.buttons if each.startswith("Verschieben auf"))
    assert "Ihr Termin ist gebucht" in in_german(browser.submit(button))
    assert "Dieser Termin wurde abgesagt" in in_german(browser.submit("Termin absagen"))

    def mails() -> list[str]:
        return [each.subject.partition(":")[0] for each in product.installation.appointment_mails_to(person["email"])]

    assert eventually(lambda: len(mails()) == 3 and mails(), "the mails") == ["Gebucht", "Verschoben", "Abgesagt"]
    confirmation = product.installation.appointment_mails_to(person["email"])[0]
    assert f"Guten Tag {person['name']}," in confirmation.text
    assert formats.long_full_day(day, "de") in confirmation.text


def test_business_has_a_language_for_those_whose_own_is_unknown(product: Product, shop: Shop) -> None:
    stranger, person = Browser(product.installation.url), guest()
    assert "Termin" in in_german(stranger.open(times_page(shop, product.own_day())))
    choose(stranger)
    stranger.submit("Jetzt buchen", **person)
    (mail,) = eventually(lambda: product.installation.appointment_mails_to(person["email"]), "the mail")
    assert mail.subject.startswith("Gebucht: Massage, ")
    english = Browser(product.installation.url)
    english.session.headers["Accept-Language"] = "en-GB"
    assert english.open(times_page(shop)).headers["Content-Language"] == "en"


def test_language_is_chosen_on_a_page_and_kept_in_the_account(browser: Browser, product: Product) -> None:
    shop, email = product.shops["in_process"], guest()["email"]
    browser.open(f"/b/{shop.slug}/sign-up")
    browser.submit("Konto anlegen", name="Carla", email=email, password=PASSWORD)
    (mail,) = eventually(lambda: product.installation.mails_to(email), "the mail with the link")
    assert mail.subject == "E-Mail-Adresse bestätigen"
    assert "Jemand – hoffentlich Sie – hat sich mit dieser E-Mail-Adresse registriert." in mail.text
    assert "Angemeldete Geräte" in in_german(browser.open("/account"))
    chosen = browser.submit("English")
    assert (chosen.path, chosen.headers["Content-Language"]) == ("/account", "en")
    assert "Signed-in devices" in chosen.text
    assert browser.open(f"/b/{shop.slug}").headers["Content-Language"] == "en", "the cookie counts more than the header"
    elsewhere = Browser(product.installation.url)
    elsewhere.session.headers.update(GERMAN)
    elsewhere.open("/sign-in")
    assert elsewhere.submit("Anmelden", email=email, password=PASSWORD).headers["Content-Language"] == "en"


def test_errors_are_german_on_pages_and_english_in_the_api(browser: Browser, product: Product) -> None:
    missing = browser.open("/b/no-such-business")
    assert (missing.status, "Seite nicht gefunden" in in_german(missing)) == (404, True)
    assert "Dieses Unternehmen gibt es nicht." in missing.text
    browser.open("/sign-in")
    refused = browser.submit("Anmelden", email="nobody@example.org", password="not the password")
    assert "Die E-Mail-Adresse oder das Passwort ist falsch." in in_german(refused)
    program = Client(product.installation.url)
    program.session.headers.update(GERMAN)
    assert program.get("/businesses/no-such-business").json()["detail"] == 'There is no business "no-such-business".'


def test_back_office_is_german(browser: Browser, product: Product, shop: Shop) -> None:
    """Every page is rendered, so that no placeholder of a translation is missing."""
    browser.session.cookies.update(owner_of(product, shop).session.cookies)
    root = f"/office/{shop.slug}"
    for path, words in {
        "/day": "Neue Buchung",
        "/day?view=list": "Liste",
        "/week": "Woche ab ",
        "/new": "Neue Buchung",
        "/requests": "Keine Anfrage wartet",
        "/waitlist": "Warteliste",
        "/customers": "Kunden hinzufügen",
        "/invoices": "Rechnungen",
        "/services": "Massage",
        "/services/new": "Neue Leistung",
        f"/services/{shop.offering_id}": "Dauer Minuten",
        "/providers": "Mo–So 00:00–24:00",
        f"/providers/{shop.provider_id}": "Montag",
        f"/providers/{shop.provider_id}/calendars": "Kalender von Ada",
        "/time-off": "Abwesenheiten",
        "/resources": "Ressourcen",
        "/settings": "Sprache",
        "/start": "Erste Schritte",
        "/webhooks": "Webhook hinzufügen",
    }.items():
        page = browser.open(root + path)
        assert (path, page.status) == (path, 200)
        assert words in in_german(page), path
    browser.open(f"{root}/services/{shop.offering_id}")
    assert browser.page.form("Speichern").fields["price"] == "42,00"
    assert "Gespeichert." in in_german(browser.submit("Speichern", price="1.042,50"))
    browser.open(f"{root}/services/{shop.offering_id}")
    assert browser.page.form("Speichern").fields["price"] == "1042,50"
    assert "Bitte geben Sie den Preis als Betrag ein" in in_german(browser.submit("Speichern", price="teuer"))
    assert "Mitglieder" in browser.open(f"/b/{shop.slug}/members").source
