"""The availability cache: replies have a maximum age, and no booking relies on them."""

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
import requests
from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import OfferingNotFound, SlotUnavailable
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.port import SchedulingPort
from monolith.modules.scheduling.adapters.in_process import in_process_scheduling
from monolith.modules.scheduling.availability_cache import AvailabilityCache
from monolith.modules.scheduling.searches import SEARCHES
from tests.contract.port.shop import NINE, Caller, Shop, at, open_shop
from tests.databases import Databases
from tests.gunicorn_site import gunicorn_site
from tests.polling import eventually
from tests.site import METRICS_TOKEN

ELEVEN = at(11)
UNKNOWN_ID = UUID(int=7)


class RecordingPort(SchedulingPort):
    """A port that records its calls."""

    def __init__(self, port: SchedulingPort) -> None:
        self.port = port
        self.calls: list[str] = []
        self.before_answering: Callable[[], None] = lambda: None

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        self.calls.append(operation.name)
        reply = self.port.call(operation, ctx, request)
        if not operation.writes:
            self.before_answering()
        return reply

    def searches(self) -> int:
        return sum(name in SEARCHES for name in self.calls)


@pytest.fixture
def port(databases: Databases) -> RecordingPort:
    return RecordingPort(in_process_scheduling(databases.monolith_url, databases.role_secret, pool_size=4))


@pytest.fixture
def hits() -> list[bool]:
    return []


@pytest.fixture
def shop(port: RecordingPort, hits: list[bool]) -> Shop:
    opened = open_shop(port, uuid7())
    port.calls.clear()
    return opened.through(AvailabilityCache(port, seconds=600, on_search=hits.append))


def test_repeated_search_is_served_from_the_cache(shop: Shop, port: RecordingPort, hits: list[bool]) -> None:
    first = shop.search()
    assert shop.search() == first
    assert shop.search(provider_id=shop.provider.provider_id).slots == first.slots
    assert port.searches() == 2
    assert hits == [False, True, False]


def test_only_searches_are_cached(shop: Shop, port: RecordingPort) -> None:
    offering_id = shop.offering.offering_id
    twice = (offering_id, shop.add_offering("Colour").offering_id)
    port.calls.clear()
    for _ in range(2):
        shop.search()
        shop.port.next_available(shop.anonymous.reads(), m.NextAvailable(offering_id=offering_id))
        shop.port.get_overview(shop.anonymous.reads(), m.GetOverview(offering_id=offering_id, first=NINE.date()))
        shop.port.search_visits(shop.anonymous.reads(), m.SearchVisits(offering_ids=twice, start=at(0), end=at(24)))
        shop.port.list_offerings(shop.anonymous.reads(), m.ListOfferings())
        agenda = m.GetAgenda(provider_id=shop.provider.provider_id, start=at(0), end=at(24))
        shop.port.get_agenda(shop.staff.reads(), agenda)
    assert sorted(port.calls) == sorted([*SEARCHES, *(2 * ["list_offerings", "get_agenda"])])


def test_cached_start_that_is_taken_is_refused(shop: Shop) -> None:
    assert NINE in shop.starts()
    shop.book(NINE)
    assert NINE in shop.starts(), "from the cache"
    with pytest.raises(SlotUnavailable):
        shop.book(NINE, by=shop.stranger)


def test_caller_who_booked_or_was_refused_bypasses_the_cache(shop: Shop, port: RecordingPort) -> None:
    callers = (shop.customer, shop.stranger, shop.anonymous)
    for caller in callers:
        assert NINE in starts(shop, caller)
    shop.book(NINE)
    with pytest.raises(SlotUnavailable):
        shop.book(NINE, by=shop.stranger)
    assert [NINE in starts(shop, caller) for caller in callers] == [False, False, True]


def starts(shop: Shop, caller: Caller) -> list[datetime]:
    request = m.SearchSlots(offering_id=shop.offering.offering_id, start=at(0), end=at(24))
    return [slot.starts_at for slot in shop.port.search_slots(caller.reads(), request).slots]


def test_change_by_staff_invalidates_the_cache(shop: Shop) -> None:
    shop.starts()
    shop.block(NINE, ELEVEN)
    assert NINE not in shop.starts()


def test_change_of_one_business_keeps_the_cache_of_others(
    shop: Shop, port: RecordingPort, databases: Databases
) -> None:
    other = open_shop(port, uuid7()).through(shop.port)
    shop.search()
    before = port.searches()
    other.block(NINE, ELEVEN)
    shop.search()
    assert port.searches() == before


def test_reply_older_than_a_change_is_not_cached(shop: Shop, port: RecordingPort) -> None:
    changed, answering = threading.Event(), threading.Event()

    def wait_for_change() -> None:
        port.before_answering = lambda: None
        answering.set()
        assert changed.wait(30)

    port.before_answering = wait_for_change
    slow = threading.Thread(target=shop.search)
    slow.start()
    assert answering.wait(30)
    shop.block(NINE, ELEVEN)
    changed.set()
    slow.join()
    assert NINE not in shop.starts()


def test_cached_reply_expires(shop: Shop, port: RecordingPort, hits: list[bool]) -> None:
    brief = shop.through(AvailabilityCache(port, seconds=0.2, on_search=hits.append))
    brief.starts()
    shop.through(port).book(NINE)
    eventually(lambda: NINE not in brief.starts(), seconds=10)


def test_cached_replies_are_not_shared_between_customers(shop: Shop, port: RecordingPort) -> None:
    for caller in (shop.customer, shop.stranger, shop.anonymous):
        starts(shop, caller)
    assert port.searches() == 3


def test_errors_are_not_cached(shop: Shop, port: RecordingPort) -> None:
    for _ in range(2):
        with pytest.raises(OfferingNotFound):
            shop.search(offering_id=UNKNOWN_ID)
    assert port.searches() == 2


def test_cache_is_bounded_and_evicts_the_oldest_entry(shop: Shop, port: RecordingPort, hits: list[bool]) -> None:
    small = shop.through(AvailabilityCache(port, seconds=600, on_search=hits.append, max_entries=2))
    for end in (at(12), at(13), at(14), at(14), at(13), at(12)):
        small.search(end=end)
    assert hits == [False, False, False, True, True, False]


def test_configured_server_caches_and_exports_the_hit_rate(databases: Databases, tmp_path: Path) -> None:
    with gunicorn_site(databases, tmp_path, AVAILABILITY_CACHE_SECONDS="60", WEB_WORKERS="1") as site:
        owner = site.client()
        assert owner.sign_up("salon").status_code == 201
        made = owner.post(
            "/businesses/salon/offerings",
            {"name": "Cut", "duration_minutes": 60},
            headers={"Idempotency-Key": "cut"},
        ).json()
        query = {"offering_id": made["offering_id"], "start": "2040-06-04T00:00:00Z", "end": "2040-06-05T00:00:00Z"}
        answers = [site.client().get("/businesses/salon/slots", params=query).json() for _ in range(3)]
        page = requests.get(f"{site.url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=10)
    assert answers[0]["slots"] == []
    assert answers[1:] == answers[:2]
    assert 'monolith_searches_remembered_total{remembered="yes"} 2.0' in page.text
    assert 'monolith_searches_remembered_total{remembered="no"} 1.0' in page.text
