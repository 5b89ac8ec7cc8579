"""Results of shadow reads are stored every few seconds, at the end of a process, and after an outage."""

import statistics
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from contracts.scheduling import models as m
from monolith.cutover.shadow.counts import ComparisonCounts
from monolith.cutover.shadow.examples import DifferenceExample
from monolith.cutover.store.shadow_results import ShadowResultStore
from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.store import SCHEDULING_SHADOW, FlagStore
from tests.databases import Databases
from tests.faults.proxy import TcpProxy
from tests.gunicorn_site import gunicorn_site
from tests.integration.shadow.conftest import Started
from tests.polling import eventually

EXAMPLE = DifferenceExample("a business", "get_agenda", "scheduling", "{}", (), "{}", '{"nul":"\\u0000"}')


@pytest.fixture
def cutover_database(databases: Databases) -> Iterator[ModuleDatabase]:
    database = ModuleDatabase(databases.monolith_url, role="cutover_app", secret=databases.role_secret)
    yield database
    database.close()


def this_minute() -> datetime:
    """Return the current minute. Not a constant: minutes pass between the import of this file and its tests."""
    return datetime.now(UTC).replace(second=0, microsecond=0)


def test_counts_of_all_processes_are_summed_by_operation_and_minute(cutover_database: ModuleDatabase) -> None:
    store = ShadowResultStore(cutover_database)
    now = this_minute()
    earlier, long_ago = now - timedelta(minutes=2), now - timedelta(minutes=90)
    store.add({("get_agenda", now): ComparisonCounts(compared=3, owner_ms=6.0, candidate_ms=12.0)})
    store.add(
        {("get_agenda", now): ComparisonCounts(compared=1, different=1, owner_ms=2, candidate_ms=4, example=EXAMPLE)}
    )
    store.add(
        {
            ("get_agenda", earlier): ComparisonCounts(failed=1, dropped=2),
            ("search_slots", now): ComparisonCounts(failed=1),
        }
    )
    store.add({("get_agenda", long_ago): ComparisonCounts(compared=100)})

    agenda, search = store.since(60)
    assert (agenda.operation, agenda.compared, agenda.different, agenda.failed, agenda.dropped) == (
        *("get_agenda", 4, 1, 1, 2),
    )
    assert (agenda.owner_ms, agenda.candidate_ms, agenda.ratio) == (2.0, 4.0, 2.0)
    assert agenda.example is not None
    assert agenda.example["owner_side"] == "scheduling"
    assert (search.compared, search.failed, search.owner_ms, search.ratio) == (0, 1, None, None)
    assert [each.operation for each in store.since(1)] == ["get_agenda", "search_slots"]
    assert store.since(120)[0].compared == 104


def test_concurrent_writers_lose_no_count(cutover_database: ModuleDatabase) -> None:
    store = ShadowResultStore(cutover_database)
    operations, now = [f"operation_{number}" for number in range(20)], this_minute()

    def write(order: list[str]) -> None:
        for _ in range(20):
            store.add({(operation, now): ComparisonCounts(compared=1) for operation in order})

    threads = [threading.Thread(target=write, args=(order,)) for order in (operations, operations[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.compared for each in store.since(60)} == {40}


def test_counts_are_stored_after_an_outage(shared_databases: Databases, monolith: Started) -> None:
    address = urlsplit(shared_databases.monolith_url)
    with TcpProxy(str(address.hostname), address.port or 5432) as proxy:
        url = address._replace(netloc=f"127.0.0.1:{proxy.port}").geturl()
        with monolith(platform_url=url, flush_seconds=0.1) as process:
            shop = process.shop()
            with proxy.unreachable():
                for _ in range(10):
                    shop.port.list_offerings(shop.anonymous.reads(), m.ListOfferings())
                eventually(lambda: process.reads.idle, "all compared")
                time.sleep(0.5)
            eventually(lambda: [each.compared for each in process.store.since(60)] == [10], "all written down")


def test_counts_are_stored_when_a_process_ends(
    databases: Databases, cutover_database: ModuleDatabase, tmp_path: Path
) -> None:
    """Two gunicorn workers of the monolith, without a scheduling service."""
    store = ShadowResultStore(cutover_database)
    with gunicorn_site(databases, tmp_path) as site:
        client = site.client()
        assert client.sign_up("salon").status_code == 201
        platform = ModuleDatabase(databases.monolith_url, role="platform_app", secret=databases.role_secret)
        FlagStore(platform).set(SCHEDULING_SHADOW, "100", business_id=None, actor="tests", reason="")
        time.sleep(1.0)
        answers = [client.get("/businesses/salon/offerings") for _ in range(25)]
        assert {answer.status_code for answer in answers} == {200}
        assert statistics.median(answer.elapsed.total_seconds() for answer in answers) < 0.6

    (found,) = store.since(60)
    assert (found.operation, found.compared, found.failed + found.dropped) == ("list_offerings", 0, 25)
    assert "loops that did not stop" not in site.log.read_text()
