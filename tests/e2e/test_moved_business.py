"""A cutover between a booking and its follow-up: each event takes effect once, in order."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from deploy.demo_data import OPERATOR
from tests.e2e.booking_steps import race, times_page
from tests.e2e.browser import Browser
from tests.e2e.demo import Demo, Installation, new_installation
from tests.e2e.operator import SERVICE, frozen, operator_of
from tests.e2e.shop import Customer, Shop, answered, open_shop
from tests.polling import eventually


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A separate demo for this module, with replication running."""
    installation = new_installation(tmp_path_factory.mktemp("moved") / "data")
    with Demo(installation) as demo:
        started = installation.extraction("replicate", "start")
        assert started.returncode == 0, started.stderr
        yield demo


@pytest.fixture
def installation(demo: Demo) -> Installation:
    return demo.installation


def moved(installation: Installation, shop: Shop, adapter: str, *options: str) -> str:
    done = installation.extraction("flag", "set", adapter, "--business", shop.slug, "--reason", "to see", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_events_around_moves_have_one_effect_each(installation: Installation) -> None:
    """One appointment publishes events from both databases: booked in one, rescheduled in the other, then cancelled."""
    shop = open_shop(installation, "wandering-salon", "in_process")
    customer = Customer(installation, shop)
    customer.confirm_email(installation)
    starts = [slot["starts_at"] for slot in answered(customer.slots())["slots"]]
    appointment = answered(customer.book(starts[0]))["appointment_id"]
    moved(installation, shop, "http")
    answered(customer.reschedule(appointment, starts[4]))
    moved(installation, shop, "in_process")
    answered(customer.cancel(appointment))
    eventually(lambda: len(installation.appointment_mails_to(customer.email)) >= 3, "three mails")
    subjects = [mail.subject.partition(":")[0] for mail in installation.appointment_mails_to(customer.email)]
    assert Counter(subjects) == {"Booked": 1, "Moved": 1, "Cancelled": 1}
    eventually(
        lambda: [each["state"] for each in answered(customer.invoices())["invoices"]] == ["credited"], "credited"
    )
    verified = installation.extraction("verify")
    assert verified.returncode == 0, verified.stdout


def test_verify_names_an_invoice_that_does_not_match_its_appointment(installation: Installation) -> None:
    shop = open_shop(installation, "tampered-salon", "in_process")
    customer = Customer(installation, shop)
    appointment = answered(customer.book(answered(customer.slots())["slots"][0]["starts_at"]))
    eventually(lambda: answered(customer.invoices())["invoices"], "an invoice")
    tamper(installation, appointment["appointment_id"], str(uuid4()))
    verified = installation.extraction("verify", "--business", shop.slug, "--settle-seconds", "1")
    assert verified.returncode == 1
    assert f"appointment {appointment['appointment_id']} has an invoice for another customer" in verified.stdout
    tamper(installation, appointment["appointment_id"], appointment["customer_id"])
    assert installation.extraction("verify", "--business", shop.slug).returncode == 0


@pytest.mark.long
def test_races_during_cutovers_have_one_winner_each(installation: Installation) -> None:
    """Sixty-four guests choose the same time while the business moves there and back, then pairs of guests do."""
    shop = open_shop(installation, "raced-salon", "in_process")
    browser = Browser(installation.url)
    for target in ("http", "in_process"):
        with ThreadPoolExecutor(1) as operator:
            cutover = operator.submit(moved, installation, shop, target)
            races = 0
            while not cutover.done():
                browser.open(times_page(shop, datetime.now(UTC).date() + timedelta(days=30 + races)))
                clients = 2 if races else 64
                pages = race(browser, clients)
                assert [page.path.endswith("/details") for page in pages].count(True) == 1
                lost = [page for page in pages if page.status == 409]
                assert len(lost) == clients - 1, Counter(page.status for page in pages)
                assert all("Nearest free times" in page.text for page in lost)
                races += 1
            cutover.result()
            assert races > 0


def tamper(installation: Installation, appointment_id: str, customer_id: str) -> None:
    """Change a row manually in the owner's database; replication copies it."""
    changed = "UPDATE scheduling.appointment SET customer_id = %s WHERE appointment_id = %s RETURNING 1"
    assert installation.sql("in_process", changed, customer_id, appointment_id) == [(1,)]


def test_guarded_business_moves_back_when_the_service_freezes(demo: Demo, installation: Installation) -> None:
    shop = open_shop(installation, "guarded-salon", "in_process")
    customer = Customer(installation, shop)
    assert "guarded for 15 minutes" in moved(installation, shop, "http", "--guard", "--guard-for", "6")
    assert "guarded-salon is guarded until" in installation.extraction("cutover", "status").stdout
    with frozen(demo, SERVICE):
        eventually(lambda: customer.slots().status_code == 503, "customers are sent away")
        eventually(lambda: customer.slots().status_code == 200, "the business is served again", seconds=60)
        booked = answered(customer.book(answered(customer.slots())["slots"][0]["starts_at"]))
    assert booked["status"] == "booked"
    ((actor, reason),) = installation.sql(
        "in_process", "SELECT actor, reason FROM platform.audit WHERE action = %s", "guard.returned"
    )
    assert actor == "guard"
    assert "failed" in reason
    overview = operator_of(installation).open("/ops/")
    assert "guarded-salon was moved back to monolith automatically" in overview.text


def test_an_operator_moves_a_business_there_and_back_in_the_console(installation: Installation) -> None:
    shop = open_shop(installation, "console-salon", "in_process")
    operator = operator_of(installation)
    page = f"/ops/businesses/{shop.slug}"
    rehearse_and_move(operator, page, "scheduling", "http")
    rehearse_and_move(operator, page, "monolith", "in_process")
    assert "Last rehearsed by operator@example.com" in operator.page.text
    assert operator.open("/ops/").text.count("streaming") == 2
    audited = installation.extraction("audit", "--business", shop.slug, "--json").stdout.splitlines()
    actions = [entry["action"] for entry in map(json.loads, audited) if entry["actor"] == f"operator:{OPERATOR.email}"]
    assert actions.count("cutover.decided") == 2
    assert actions.count("console.requested") == 4


def rehearse_and_move(operator: Browser, page: str, target: str, adapter: str) -> None:
    eventually(lambda: f"Move to {target}" in operator.open(page).text, "the link")
    operator.follow("Dry run")
    operator.submit("Rehearse it", reason="before the peak")
    rehearsal = operator.page.path
    eventually(lambda: "rehearsed and nothing moved" in operator.open(rehearsal).text, "the rehearsal")
    operator.open(page)
    operator.follow(f"Move to {target}")
    assert operator.page.text.count("passed") >= 5
    for fact in ("rows", "expected pause of writes", "sessions that write now", "can be undone"):
        assert fact in operator.page.text
    operator.submit("Move it", reason="the peak is near")
    request = operator.page.path
    eventually(lambda: f"-> {target}; writes waited at most" in operator.open(request).text, "the move")
    served = f"Served by {target}, through the adapter {adapter}."
    eventually(lambda: served in operator.open(page).text, "the sentence")


def test_the_console_alone_explains_why_a_cutover_is_refused(demo: Demo, installation: Installation) -> None:
    shop = open_shop(installation, "refused-salon", "in_process")
    operator = operator_of(installation)
    with frozen(demo, SERVICE):
        operator.open(f"/ops/changes/move-business?slug={shop.slug}&target=scheduling")
        assert "the scheduling adapter serves failed" in operator.page.text
        assert (
            "It would be refused now, with nothing changed: the scheduling adapter serves failed." in operator.page.text
        )
        operator.submit("Move it", reason="in spite of it")
        request = operator.page.path
        eventually(lambda: "failed" in operator.open(request).text, "the refusal")
        assert "does not answer" in operator.page.text
        eventually(lambda: "The scheduling web process does not answer" in operator.open("/ops/").text, "the notice")


def test_live_pages_are_streamed(installation: Installation) -> None:
    operator = operator_of(installation)
    stream = operator.session.get(f"{installation.console_url}/ops/live/overview", stream=True, timeout=30)
    assert stream.headers["Content-Type"].startswith("text/event-stream")
    updates = (json.loads(line.removeprefix("data: ")) for line in stream.iter_lines(decode_unicode=True) if line)
    first = next(updates)
    # A change is published at once, so two updates may carry the same second.
    second = next(each for each in updates if each["at"] != first["at"])
    stream.close()
    assert "monolith web" in first["html"]
    assert first["at"] < second["at"]
    once = operator.session.get(f"{installation.console_url}/ops/live/overview?once", timeout=30).json()
    assert once["at"] >= second["at"]
