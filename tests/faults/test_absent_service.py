"""An unreachable, frozen or slow service (faults 8, 9, 11, 12): calls end by their deadline, no late commit."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from uuid import UUID

import psycopg
import pytest
from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.errors import DeadlineExceeded, OutcomeUnknown, SchedulingError, Unavailable
from deploy.devstack.keys import Keys
from monolith.modules.scheduling.adapters.breaker import Breaker
from monolith.modules.scheduling.adapters.http import HttpScheduling
from monolith.modules.scheduling.adapters.tokens import signer_from
from tests.contract.port.shop import Shop, at, open_shop, refused
from tests.databases import Databases
from tests.faults.proxy import TcpProxy
from tests.faults.service import SchedulingWeb

GRACE = 0.6
"""Tolerance in seconds for a busy machine."""


@pytest.fixture
def shop(direct: HttpScheduling) -> Shop:
    return open_shop(direct, uuid7())


@contextmanager
def frozen(web: SchedulingWeb) -> Iterator[None]:
    web.freeze()
    try:
        yield
    finally:
        web.thaw()


@pytest.mark.row("F8")
def test_unreachable_service_changes_nothing_and_is_used_again_when_it_returns(
    shop: Shop, web: SchedulingWeb, keys: Keys
) -> None:
    port = HttpScheduling(web.url, signer_from(keys.signing_key), breaker=Breaker(cooldown=0.1))
    web.kill_all()
    try:
        began = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            port.book(shop.customer.writes("one-key"), shop.booking())
        assert caught.value.retry_after > 0
        assert time.monotonic() - began < 1
    finally:
        web.start()
    time.sleep(0.1)
    assert port.book(shop.customer.writes("one-key"), shop.booking()).version == 1
    port.close()


@pytest.mark.row("F9")
def test_slow_service_does_not_commit_after_the_deadline(shop: Shop, service_databases: Databases) -> None:
    with fence_held(service_databases, shop.business_id):
        began = time.monotonic()
        with pytest.raises((DeadlineExceeded, OutcomeUnknown, Unavailable)):
            shop.port.book(shop.customer.writes("one-key", seconds=0.4), shop.booking())
        assert time.monotonic() - began < 0.4 + GRACE
    time.sleep(0.1)
    assert at(9) in shop.starts()


@pytest.mark.row("F11")
def test_frozen_service_costs_callers_at_most_their_deadline_until_the_breaker_opens(
    shop: Shop, web: SchedulingWeb, keys: Keys
) -> None:
    port = HttpScheduling(web.url, signer_from(keys.signing_key), max_concurrent=4)
    with frozen(web):
        seconds = at_once(16, lambda: port.list_offerings(shop.staff.reads(seconds=0.5), m.ListOfferings()))
        assert sum(each < 0.25 for each in seconds) >= 12, "the bulkhead turns away all but four"
        assert max(seconds) < 0.5 + GRACE
        at_once(4, lambda: port.list_offerings(shop.staff.reads(seconds=0.5), m.ListOfferings()))
        began = time.monotonic()
        with refused(Unavailable):
            port.list_offerings(shop.staff.reads(seconds=5), m.ListOfferings())
        assert time.monotonic() - began < 0.1, "the breaker is open"
    port.close()


@pytest.mark.row("F12")
def test_resumed_service_skips_expired_requests(shop: Shop, web: SchedulingWeb, keys: Keys) -> None:
    port = HttpScheduling(web.url, signer_from(keys.signing_key), breaker=Breaker(row=1_000, window=1_000))
    hours = iter(range(9, 17))
    free = shop.starts()
    with frozen(web):
        at_once(8, lambda: port.book(shop.customer.writes(seconds=0.4), shop.booking(at(next(hours)))))
    shop.through(port).search()
    time.sleep(0.2)
    assert shop.starts() == free
    port.close()


def test_half_open_connection_ends_at_the_deadline_and_recovers(
    shop: Shop, proxy: TcpProxy, proxied: HttpScheduling
) -> None:
    with proxy.half_open(), refused(OutcomeUnknown):
        proxied.book(shop.customer.writes("one-key", seconds=0.3), shop.booking())
    assert proxied.book(shop.customer.writes("one-key"), shop.booking()).version == 1


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "closed"])
def test_dropped_idle_connections_are_replaced_without_an_error(
    shop: Shop, proxy: TcpProxy, proxied: HttpScheduling, reset: bool
) -> None:
    for hour in range(9, 13):
        assert shop.through(proxied).book(at(hour)).version == 1
        proxy.drop_connections(reset=reset)


def at_once(count: int, call: Callable[[], object]) -> list[float]:
    """Return the duration in seconds of each of several concurrent calls; contract errors count as replies."""
    gate = threading.Barrier(count)

    def timed(_: int) -> float:
        gate.wait()
        began = time.monotonic()
        with suppress(SchedulingError):
            call()
        return time.monotonic() - began

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(timed, range(count)))


@contextmanager
def fence_held(databases: Databases, business_id: UUID) -> Iterator[None]:
    """Hold the business's lock as a cutover does, so that no write can begin."""
    with psycopg.connect(databases.scheduling_admin_url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(scheduling.fence_key(%s))", (business_id,))
        yield
