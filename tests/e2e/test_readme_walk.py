"""Execute the README's *Five minutes*: its addresses, commands and the labels that it names.

What it does fulfils most steps of the learning path, so each step is checked along the way.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import requests

from tests.e2e.booking_steps import choose
from tests.e2e.browser import Browser
from tests.e2e.demo import Demo, Installation, new_installation
from tests.e2e.learner import Learner
from tests.e2e.readme_steps import Step, five_minutes
from tests.e2e.shop import FLAG_SECONDS, answered
from tests.polling import eventually

NEWCOMER = {"name": "Nora Newcomer", "email": "nora@example.org", "password": "a long password"}
IN_THE_README = {"http://127.0.0.1:8000": "MONOLITH_PORT", "http://127.0.0.1:8025": "MAIL_PORT"}


@pytest.fixture
def walker(tmp_path: Path) -> Iterator["Walker"]:
    """A walker with a separate demo, because the walk starts replication."""
    installation = new_installation(tmp_path / "data")
    with Demo(installation):
        yield Walker(installation)


def test_the_five_minutes_and_the_check_of_each_learning_step(walker: "Walker") -> None:
    book, mail, invoice, owner, flip, second, land, move, back, reset = five_minutes()
    learner = Learner(walker.installation)
    learner.signs_in()
    walker.books(book)
    learner.passes("boundaries", "port")
    walker.reads_the_mail(mail)
    walker.sees_the_invoice_and_cancels(invoice)
    walker.sees_who_owns_the_business(owner)
    walker.flips_the_flag(flip)
    walker.creates_a_second_business(second)
    walker.sees_it_land_in_the_other_database(land)
    learner.passes("service")
    for slug in ("metrics", "evidence"):
        learner.predicts(slug)
        learner.checks(slug, meanwhile=walker.searches)
    walker.moves_the_first_one(move)
    learner.passes("replication", "flip")
    learner.predicts("shadow-reads")
    learner.does("shadow-reads", "Compare 20 % of the reads")
    learner.checks("shadow-reads", meanwhile=walker.searches)
    walker.moves_it_back(back)
    learner.predicts("way-back")
    learner.does("way-back", "Move it forward, guarded")
    learner.checks("way-back")
    walker.puts_everything_back(reset)
    learner.passes("finalize")
    assert "passed every step" in learner.browser.open("/learn/").text


class Walker:
    """A newcomer with a browser and a second terminal."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.browser = Browser(installation.url)

    def books(self, step: Step) -> None:
        self.opens(step.addresses[0])
        in_some_days = date.today() + timedelta(days=9)  # noqa: DTZ011 (the local date is good enough)
        day = in_some_days + timedelta(days=2 if in_some_days.weekday() > 4 else 0)
        self.browser.follow(step.names("Sign in"))
        self.browser.follow(step.names("Create an account"))
        self.browser.submit("Create account", **NEWCOMER)
        self.browser.follow("Haircut")
        self.browser.follow(f"{day:%A} {day.day} {day:%B}")
        choose(self.browser, -1)
        self.browser.submit(step.names("Book it"), note="the first time")
        assert "You are booked" in self.browser.page.text
        assert "the first time" in self.browser.page.text
        self.booked = self.browser.page.url

    def reads_the_mail(self, step: Step) -> None:
        eventually(lambda: self.installation.mails_to(NEWCOMER["email"]), "the mail with the link")
        self.opens(step.addresses[0])
        self.browser.follow(step.names("Confirm your e-mail address"))
        self.browser.follow("/confirm-email?token=")
        self.browser.submit(step.names("Confirm address"))
        assert "Your e-mail address is confirmed" in self.browser.page.text
        (mail,) = eventually(lambda: self.installation.appointment_mails_to(NEWCOMER["email"]), "the mail")
        self.opens(step.addresses[0])
        self.browser.follow(mail.subject.replace("  ", " "))
        assert "BEGIN:VCALENDAR" in self.browser.page.text
        (listed,) = self.runs(step)
        assert NEWCOMER["email"] in listed.stdout

    def sees_the_invoice_and_cancels(self, step: Step) -> None:
        self.browser.open(self.booked)
        invoices = step.names("My invoices")
        eventually(lambda: "No. " in self.browser.follow(invoices).text, "the invoice")
        assert "open" in self.browser.page.text
        self.browser.open(self.booked)
        self.appointment = self.browser.follow(step.names("Manage this appointment")).url
        self.browser.submit(step.names("Cancel this appointment"))
        assert "This appointment was cancelled" in self.browser.page.text
        eventually(lambda: "credited" in self.browser.follow(invoices).text, "the credit note")
        eventually(
            lambda: len(self.installation.appointment_mails_to(NEWCOMER["email"])) == 2,
            "the mail about the cancellation",
        )

    def sees_who_owns_the_business(self, step: Step) -> None:
        (status,) = self.runs(step)
        assert owner_in(status.stdout, "harbour-barbers") == "monolith"

    def flips_the_flag(self, step: Step) -> None:
        changed, shown = self.runs(step)
        assert "in_process -> http" in changed.stdout
        assert "scheduling.adapter = http" in shown.stdout
        assert "trying the service" in shown.stdout
        assert FLAG_SECONDS <= 1.0, "the README promises one second"

    def creates_a_second_business(self, step: Step) -> None:
        self.browser.open(f"{self.installation.url}/b/harbour-barbers")
        self.browser.submit("Sign out")
        self.opens(step.addresses[0])
        owner = {**NEWCOMER, "email": "owner@second-salon.example"}
        self.browser.submit(
            step.names("Create business"), business_name="Second Salon", slug=step.names("second-salon"), **owner
        )
        assert self.browser.page.path == "/office/second-salon/start"
        assert "First steps" in self.browser.page.text

    def sees_it_land_in_the_other_database(self, step: Step) -> None:
        (status,) = self.runs(step)
        assert owner_in(status.stdout, "second-salon") == "scheduling"
        rows = "SELECT count(*) FROM scheduling.business WHERE name = 'Second Salon'"
        assert self.installation.sql("http", rows) == [(1,)]
        assert self.installation.sql("in_process", rows) == [(0,)]

    def moves_the_first_one(self, step: Step) -> None:
        started, moved, verified, status = self.runs(step)
        assert "replication runs in both directions" in started.stdout
        assert "harbour-barbers: monolith -> scheduling; writes waited at most" in moved.stdout
        assert "harbour-barbers (scheduling)" in verified.stdout
        assert "0 with problems" in verified.stdout
        assert "the first move" in status.stdout
        self.looks_again()

    def moves_it_back(self, step: Step) -> None:
        moved, status = self.runs(step)
        assert "harbour-barbers: scheduling -> monolith" in moved.stdout
        assert owner_in(status.stdout, "harbour-barbers") == "monolith"
        self.looks_again()

    def puts_everything_back(self, step: Step) -> None:
        _, status = self.runs(step)
        assert owner_in(status.stdout, "second-salon") == "monolith"
        rows = "SELECT count(*) FROM scheduling.business WHERE name = 'Second Salon'"
        assert self.installation.sql("in_process", rows) == [(1,)]
        assert self.installation.sql("http", "SELECT count(*) FROM scheduling.business") == [(0,)]
        assert self.installation.sql("http", "SELECT count(*) FROM pg_subscription") == [(0,)]
        self.looks_again()

    def searches(self) -> None:
        """Use two modules: search for times, and read the prices."""
        api = f"{self.installation.url}/api/v1/businesses/harbour-barbers"
        offering = answered(requests.get(f"{api}/offerings", timeout=10))["offerings"][0]["offering_id"]
        start = datetime.now(UTC)
        window = {"start": start.isoformat(), "end": (start + timedelta(days=1)).isoformat()}
        for _ in range(15):
            answered(requests.get(f"{api}/slots", params={"offering_id": offering, **window}, timeout=10))
            answered(requests.get(f"{api}/prices", timeout=10))

    def looks_again(self) -> None:
        """Check that the customer still sees the earlier appointment after a move."""
        self.browser.open(f"{self.installation.url}/b/harbour-barbers")
        if "Sign out" in self.browser.page.text:
            self.browser.submit("Sign out")
            self.browser.open(f"{self.installation.url}/b/harbour-barbers")
        self.browser.follow("Sign in")
        self.browser.submit("Sign in", email=NEWCOMER["email"], password=NEWCOMER["password"])
        self.browser.open(self.appointment)
        assert "This appointment was cancelled" in self.browser.page.text

    def opens(self, address: str) -> None:
        """Open an address of the README on the ports of this demo."""
        for written, port in IN_THE_README.items():
            address = address.replace(written, f"http://127.0.0.1:{self.installation.ports[port]}")
        self.browser.open(address)

    def runs(self, step: Step, code: int = 0) -> list[CompletedProcess[str]]:
        done = [self.installation.extraction(*arguments) for arguments in step.commands]
        assert [each.returncode for each in done] == [code] * len(done), [each.stderr for each in done]
        return done


def owner_in(status: str, slug: str) -> str:
    """Return the second column of the business's row."""
    (row,) = [line.split() for line in status.splitlines() if line.startswith(f"{slug} ")]
    return row[1]
