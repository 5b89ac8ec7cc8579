"""A customer on a phone and a receptionist at a desk, in a real browser: on each adapter, and during cutovers."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from monolith.cutover.scheduling_flag import AdapterName
from tests.e2e import journeys
from tests.e2e.booking_steps import guest, race, times_page
from tests.e2e.browser import Browser
from tests.e2e.chromium import Chromium
from tests.e2e.demo import Demo, Installation, new_installation
from tests.e2e.journeys import Visitor
from tests.e2e.shop import Shop, open_both
from tests.e2e.test_in_chromium import chromium
from tests.e2e.test_office_during_moves import Moves, persist, read

__all__ = ["chromium"]

pytestmark = pytest.mark.long
ROUNDS = 4
RACES = 5


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A demo with replication running, and a shop on each adapter."""
    installation = new_installation(tmp_path_factory.mktemp("journeys") / "data")
    with Demo(installation):
        yield installation


@pytest.fixture(scope="module")
def shops(installation: Installation) -> dict[AdapterName, Shop]:
    found = open_both(installation)
    started = installation.extraction("replicate", "start")
    assert started.returncode == 0, started.stderr
    return found


@pytest.fixture
def visitor(chromium: Chromium, installation: Installation) -> Visitor:
    """A person who has not signed in."""
    chromium.forget_cookies()
    return Visitor(chromium, installation.url)


@pytest.mark.parametrize("adapter", ["in_process", "http"])
def test_both_journeys_on_each_adapter(visitor: Visitor, shops: dict[AdapterName, Shop], adapter: AdapterName) -> None:
    shop = shops[adapter]
    journeys.books_moves_and_cancels(visitor, shop, 1)
    journeys.signs_in(visitor, shop)
    journeys.cancels(visitor, journeys.serves_a_caller(visitor, shop, in_days(20)))
    assert visitor.reloads == 0


def test_both_journeys_while_the_business_moves_between_the_databases(
    visitor: Visitor, installation: Installation, shops: dict[AdapterName, Shop]
) -> None:
    shop = shops["in_process"]
    kept = []
    with Moves(installation, shop) as moves:
        for number in range(ROUNDS):
            visitor.browser.forget_cookies()
            journeys.books_moves_and_cancels(visitor, shop, 2 + number)
            journeys.signs_in(visitor, shop)
            kept.append(journeys.serves_a_caller(visitor, shop, in_days(30 + number)))
        journeys.cancels(visitor, kept[0])
    assert len(moves.done) >= 2, "the business was moved during the journeys"
    for address in kept[1:]:
        visitor.open(address, journeys.DESK)
        assert ", 15:00" in visitor.title
    verified = installation.extraction("verify")
    assert verified.returncode == 0, verified.stdout


def test_race_during_cutovers_has_one_winner(installation: Installation, shops: dict[AdapterName, Shop]) -> None:
    """Of 64 visitors who choose the same time at once, one holds it, and the others see the nearest free times."""
    browser, shop = Browser(installation.url), shops["in_process"]
    with Moves(installation, shop) as moves:
        for number in range(RACES):
            read(browser, times_page(shop, today() + timedelta(days=50 + number)))
            pages = race(browser, 64)
            winners = [page for page in pages if page.path.endswith("/details")]
            losers = [page for page in pages if page.status == 409]
            assert (len(winners), len(losers)) == (1, 63)
            assert all("Nearest free times" in page.text for page in losers)
            booked = persist(browser, winners[0].form("Book it"), **guest())
            assert "You are booked" in booked.text, booked.text
    assert len(moves.done) >= 2, "the business was moved during the races"


def today() -> date:
    return datetime.now(UTC).date()


def in_days(number: int) -> str:
    return str(today() + timedelta(days=number))
