"""One Postgres server is killed: businesses of the other stay bookable, and no booking is lost."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import requests

from deploy.devstack.postgres import PostgresServer
from monolith.cutover.scheduling_flag import AdapterName
from tests.e2e.browser import Browser
from tests.e2e.demo import Demo, Installation, new_installation
from tests.e2e.shop import Customer, answered, open_both
from tests.polling import eventually
from tests.site import Client

# Longer than any deadline of the product, and much longer than a refused connection takes.
LONGEST_REFUSAL = 10.0


@dataclass(frozen=True)
class World:
    """A demo on servers that only the test restarts."""

    demo: Demo
    installation: Installation
    servers: dict[AdapterName, PostgresServer]
    customers: dict[AdapterName, Customer]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    with server(folder / "monolith") as monolith, server(folder / "scheduling") as scheduling:
        installation = new_installation(
            folder / "data",
            MONOLITH_DATABASE_URL=monolith.admin_url("monolith"),
            SCHEDULING_DATABASE_URL=scheduling.admin_url("scheduling"),
        )
        with Demo(installation, "--no-seed") as demo:
            customers = {adapter: Customer(installation, shop) for adapter, shop in open_both(installation).items()}
            for customer in customers.values():
                customer.confirm_email(installation)
            yield World(demo, installation, {"in_process": monolith, "http": scheduling}, customers)


@pytest.fixture(autouse=True)
def _everything_runs(world: World) -> Iterator[None]:
    """Both servers run before each test, and no process of the product was restarted."""
    for adapter, server in world.servers.items():
        server.start()
        books(world, adapter)
        eventually(lambda adapter=adapter: invoiced(world.customers[adapter]), "an invoice")  # type: ignore[misc]
    yield
    assert "restarting" not in world.demo.output()


def test_monolith_owned_businesses_are_bookable_without_the_scheduling_database(world: World) -> None:
    near, far = world.customers["in_process"], world.customers["http"]
    world.servers["http"].kill()
    assert near.slots().status_code == 200
    assert near.book(free(near)).status_code == 201
    page = Browser(world.installation.url).open("/b/near-salon")
    assert (page.status, "Massage" in page.text) == (200, True)

    start = "2030-01-01T10:00:00Z"
    refused_in_time(lambda: [far.slots(), far.book(start), far.appointments()])
    page = Browser(world.installation.url).open("/b/far-salon")
    assert (page.status, "Temporarily unavailable" in page.text) == (503, True)
    assert "nothing was done" not in page.text.lower(), "a page that only reads never does anything"

    assert invoiced(far) != []
    assert world.installation.extraction("status").stdout.count("owner's database unreachable") == 1

    world.servers["http"].start()
    books(world, "http")


def test_service_owned_businesses_are_bookable_without_the_monolith_database(world: World) -> None:
    near, far = world.customers["in_process"], world.customers["http"]
    starts_at = free(far)
    every_process_has_seen(near)
    every_process_has_seen(far)
    world.servers["in_process"].kill()
    assert far.slots().status_code == 200
    meanwhile = answered(far.book(starts_at))["appointment_id"]

    newcomer = Client(world.installation.url)
    refused_in_time(
        lambda: [near.slots(), near.book(starts_at), far.invoices(), newcomer.log_in("somebody@example.org")]
    )
    page = Browser(world.installation.url).open("/b/near-salon")
    assert (page.status, "Temporarily unavailable" in page.text) == (503, True)

    world.servers["in_process"].start()
    books(world, "in_process")
    eventually(lambda: meanwhile in invoiced(far), "the invoice for what was booked meanwhile")
    eventually(lambda: any(meanwhile in calendar for calendar in invitations(world, far)), "the mail for it")


def test_page_that_takes_too_long_offers_to_try_again(world: World) -> None:
    browser = Browser(world.installation.url)
    with psycopg.connect(world.servers["http"].admin_url("scheduling")) as connection:
        connection.execute("LOCK TABLE scheduling.offering, scheduling.business IN ACCESS EXCLUSIVE MODE")
        page = browser.open("/b/far-salon?day=2030-01-01")
    assert (page.status, "This took too long" in page.text) == (504, True)
    assert "done" not in page.text
    eventually(lambda: browser.open(page.url).status == 200, "the page")
    assert next(link.address for link in page.links if link.words == "Try again") == page.url


def server(folder: Path) -> PostgresServer:
    return PostgresServer(folder, name=folder.name)


def books(world: World, adapter: AdapterName) -> None:
    """Book as soon as possible, by plain retries."""
    customer = world.customers[adapter]
    eventually(lambda: customer.book(free(customer)).status_code == 201, f"a booking at the {adapter} business")


def free(customer: Customer) -> str:
    found = customer.slots()
    return str(found.json()["slots"][0]["starts_at"]) if found.ok else "2030-01-01T10:00:00Z"


def every_process_has_seen(customer: Customer) -> None:
    """Warm the caches of every process, since only cached credentials work during an outage."""

    def visit(_: int) -> int:
        other = Client(customer.client.url)
        other.session.cookies.update(customer.client.session.cookies)
        path = f"/businesses/{customer.shop.slug}/appointments"
        return other.get(path, headers={"Connection": "close"}).status_code

    with ThreadPoolExecutor(8) as crowd:
        assert set(crowd.map(visit, range(60))) == {200}


def refused_in_time(ask: Callable[[], list[requests.Response]]) -> None:
    """Check that each response is a fast 503 with Retry-After."""
    begun = time.monotonic()
    answers = ask()
    taken = time.monotonic() - begun
    assert [(each.status_code, each.json()["code"]) for each in answers] == [(503, "unavailable")] * len(answers)
    assert all(int(each.headers["Retry-After"]) >= 1 for each in answers)
    assert taken < LONGEST_REFUSAL * len(answers)


def invoiced(customer: Customer) -> list[str]:
    answer = customer.invoices()
    return [invoice["appointment_id"] for invoice in answer.json()["invoices"]] if answer.ok else []


def invitations(world: World, customer: Customer) -> list[str]:
    return [calendar for mail in world.installation.mails_to(customer.email) for calendar in mail.calendars]
