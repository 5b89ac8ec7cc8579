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
from monolith.modules.scheduling.availability_cache import SEARCHES, AvailabilityCache
from tests.contract.port.shop import NINE, Caller, Shop, at, open_shop
from tests.databases import Databases
from tests.gunicorn_site import gunicorn_site
from tests.polling import eventually
from tests.site import METRICS_TOKEN

ELEVEN = at(11)
NOBODY_S = UUID(int=7)


class Counted(SchedulingPort):
    """A port that records its calls."""

    def __init__(self, port: SchedulingPort) -> None:
        self.port = port
        self.asked: list[str] = []
        self.before_answering: Callable[[], None] = lambda: None

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        self.asked.append(operation.name)
        reply = self.port.call(operation, ctx, request)
        if not operation.writes:
            self.before_answering()
        return reply

    def searches(self) -> int:
        return sum(name in SEARCHES for name in self.asked)


@pytest.fixture
def asked(databases: Databases) -> Counted:
    return Counted(in_process_scheduling(databases.monolith_url, databases.role_secret, pool_size=4))


@pytest.fixture
def told() -> list[bool]:
    return []


@pytest.fixture
def shop(asked: Counted, told: list[bool]) -> Shop:
    opened = open_shop(asked, uuid7())
    asked.asked.clear()
    return opened.through(AvailabilityCache(asked, seconds=600, on_search=told.append))


def test_a_search_is_asked_once_and_the_answer_is_the_same(shop: Shop, asked: Counted, told: list[bool]) -> None:
    first = shop.search()
    assert shop.search() == first
    assert shop.search(provider_id=shop.provider.provider_id).slots == first.slots
    assert asked.searches() == 2
    assert told == [False, True, False]


def test_only_searches_are_cached(shop: Shop, asked: Counted) -> None:
    offering_id = shop.offering.offering_id
    twice = (offering_id, shop.add_offering("Colour").offering_id)
    asked.asked.clear()
    for _ in range(2):
        shop.search()
        shop.port.next_available(shop.anonymous.reads(), m.NextAvailable(offering_id=offering_id))
        shop.port.get_overview(shop.anonymous.reads(), m.GetOverview(offering_id=offering_id, first=NINE.date()))
        shop.port.search_visits(shop.anonymous.reads(), m.SearchVisits(offering_ids=twice, start=at(0), end=at(24)))
        shop.port.list_offerings(shop.anonymous.reads(), m.ListOfferings())
        agenda = m.GetAgenda(provider_id=shop.provider.provider_id, start=at(0), end=at(24))
        shop.port.get_agenda(shop.staff.reads(), agenda)
    assert sorted(asked.asked) == sorted([*SEARCHES, *(2 * ["list_offerings", "get_agenda"])])


def test_a_taken_start_may_be_listed_for_a_while_and_is_refused_as_always(shop: Shop) -> None:
    assert NINE in shop.starts()
    shop.book(NINE)
    assert NINE in shop.starts(), "from memory"
    with pytest.raises(SlotUnavailable):
        shop.book(NINE, by=shop.stranger)


def test_caller_who_booked_or_was_refused_bypasses_the_cache(shop: Shop, asked: Counted) -> None:
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


def test_staff_see_what_they_have_changed(shop: Shop) -> None:
    shop.starts()
    shop.block(NINE, ELEVEN)
    assert NINE not in shop.starts()


def test_a_change_of_one_business_leaves_the_memory_of_others(shop: Shop, asked: Counted, databases: Databases) -> None:
    other = open_shop(asked, uuid7()).through(shop.port)
    shop.search()
    before = asked.searches()
    other.block(NINE, ELEVEN)
    shop.search()
    assert asked.searches() == before


def test_reply_older_than_a_change_is_not_cached(shop: Shop, asked: Counted) -> None:
    changed, answering = threading.Event(), threading.Event()

    def wait_for_the_change() -> None:
        asked.before_answering = lambda: None
        answering.set()
        assert changed.wait(30)

    asked.before_answering = wait_for_the_change
    slow = threading.Thread(target=shop.search)
    slow.start()
    assert answering.wait(30)
    shop.block(NINE, ELEVEN)
    changed.set()
    slow.join()
    assert NINE not in shop.starts()


def test_an_answer_is_as_old_as_allowed_and_no_older(shop: Shop, asked: Counted, told: list[bool]) -> None:
    brief = shop.through(AvailabilityCache(asked, seconds=0.2, on_search=told.append))
    brief.starts()
    shop.through(asked).book(NINE)
    eventually(lambda: NINE not in brief.starts(), seconds=10)


def test_cached_replies_are_not_shared_between_customers(shop: Shop, asked: Counted) -> None:
    for caller in (shop.customer, shop.stranger, shop.anonymous):
        starts(shop, caller)
    assert asked.searches() == 3


def test_errors_are_not_cached(shop: Shop, asked: Counted) -> None:
    for _ in range(2):
        with pytest.raises(OfferingNotFound):
            shop.search(offering_id=NOBODY_S)
    assert asked.searches() == 2


def test_memory_is_bounded_and_the_oldest_goes_first(shop: Shop, asked: Counted, told: list[bool]) -> None:
    small = shop.through(AvailabilityCache(asked, seconds=600, on_search=told.append, max_entries=2))
    for end in (at(12), at(13), at(14), at(14), at(13), at(12)):
        small.search(end=end)
    assert told == [False, False, False, True, True, False]


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
