"""Connections lost before the write, during it, and at the commit."""

from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import urlsplit

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import OutcomeUnknown, Unavailable
from tests.contract.port.shop import Shop, at
from tests.faults.proxy import Cut, TcpProxy
from tests.integration.engine.workbench import SLOW_COMMIT, Background, Workbench, at_once, wait_for, workbench_on


def kill_all(bench: Workbench) -> None:
    """Terminate every backend of the engine, as a server restart would."""
    bench.sql(
        """
        SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
         WHERE datname = current_database() AND usename = 'scheduling_app'
        """
    )


def warm(bench: Workbench, shop: Shop, connections: int) -> None:
    """Fill the pool with as many connections as there are concurrent callers."""
    with bench.fenced(shop.business_id):
        waiting = [Background(partial(shop.book, at(9 + hour))) for hour in range(connections)]
        wait_for(lambda: len(bench.sql(WAITING)) == connections)
    assert all(each.result() for each in waiting)


WAITING = """
    SELECT pid FROM pg_stat_activity
     WHERE datname = current_database() AND usename = 'scheduling_app' AND wait_event_type = 'Lock'
"""


def test_a_backend_killed_while_waiting_has_no_effect(bench: Workbench, shop: Shop) -> None:
    with bench.fenced(shop.business_id):
        booking = Background(lambda: shop.port.book(shop.customer.writes("one"), shop.booking()))
        bench.terminate(bench.waiting("begin_write"))
        with pytest.raises(Unavailable):
            booking.result()
    assert bench.count("appointment", shop.business_id) == 0
    assert shop.port.book(shop.customer.writes("one"), shop.booking()).version == 1


def test_a_backend_killed_during_the_write_has_no_effect(bench: Workbench, shop: Shop) -> None:
    """The write waits for another's uncommitted claim after it found the time free."""
    with bench.administrator() as other, other.transaction(force_rollback=True):
        other.execute(
            """
            INSERT INTO scheduling.claim (business_id, resource_id, holder_id, offering_id, starts_at, ends_at)
            VALUES (%s, %s, gen_random_uuid(), %s, %s, %s)
            """,
            (shop.business_id, shop.provider.provider_id, shop.offering.offering_id, at(9), at(10)),
        )
        booking = Background(lambda: shop.port.book(shop.customer.writes("one"), shop.booking()))
        bench.terminate(bench.waiting("scheduling.take_time"))
        with pytest.raises(Unavailable):
            booking.result()
    assert bench.count("appointment", shop.business_id) == 0
    assert shop.port.book(shop.customer.writes("one"), shop.booking()).version == 1


def test_writers_survive_a_pool_of_dead_connections(own_bench: Workbench, own_shop: Shop) -> None:
    warm(own_bench, own_shop, 8)
    kill_all(own_bench)
    booked = at_once([partial(own_shop.book, at(9 + hour, day=1)) for hour in range(8)])
    assert all(isinstance(each, m.Appointment) for each in booked), booked


def test_readers_survive_a_pool_of_dead_connections(own_bench: Workbench, own_shop: Shop) -> None:
    warm(own_bench, own_shop, 8)
    reads: list[Callable[[], object]] = [
        lambda: own_shop.starts(at(0, day=1), at(24, day=1)),
        lambda: own_shop.port.list_appointments(own_shop.staff.reads(), m.ListAppointments()),
        lambda: own_shop.port.get_business(own_shop.staff.reads(), m.GetBusiness()),
        own_bench.engine.ping,
    ]
    for read in reads:
        kill_all(own_bench)
        found = at_once([read] * 8)
        assert not [each for each in found if isinstance(each, Exception)]


@pytest.fixture
def proxy(own_bench: Workbench) -> Iterator[TcpProxy]:
    """A proxy between the engine and its database."""
    target = urlsplit(own_bench.databases.scheduling_url)
    with TcpProxy(target.hostname or "", target.port or 0) as proxy:
        yield proxy


@pytest.fixture
def proxied(own_bench: Workbench, own_shop: Shop, proxy: TcpProxy) -> Iterator[Shop]:
    """A shop whose engine uses the proxy, and whose commits take half a second."""
    own_bench.sql(SLOW_COMMIT.format(seconds=0.5))
    direct = urlsplit(own_bench.databases.scheduling_url)
    through = direct._replace(netloc=f"127.0.0.1:{proxy.port}").geturl()
    with workbench_on(own_bench.databases.replacing(scheduling_url=through), pool_size=2) as far:
        yield own_shop.through(far.engine)


@pytest.mark.row("F18")
@pytest.mark.parametrize("fault", [Cut(), Cut(reset=True)], ids=["closed", "reset"])
def test_a_lost_commit_reply_is_unknown_and_its_key_resolves_it(
    own_bench: Workbench, proxied: Shop, proxy: TcpProxy, fault: Cut
) -> None:
    booking = Background(lambda: proxied.port.book(proxied.customer.writes("one"), proxied.booking()))
    own_bench.committing()
    proxy.inject(fault)
    with pytest.raises(OutcomeUnknown) as unknown:
        booking.result()
    assert not unknown.value.outcome_known
    [(standing,)] = own_bench.sql("SELECT appointment_id FROM scheduling.appointment")
    settled = proxied.port.book(proxied.customer.writes("one"), proxied.booking())
    assert settled.appointment_id == standing
    assert own_bench.count("appointment", proxied.business_id) == 1
    assert own_bench.count("outbox", proxied.business_id) == 1


@pytest.mark.row("F18")
def test_a_lost_commit_is_unknown_and_its_key_resolves_it(own_bench: Workbench, proxied: Shop) -> None:
    booking = Background(lambda: proxied.port.book(proxied.customer.writes("one"), proxied.booking()))
    own_bench.terminate(own_bench.committing())
    with pytest.raises(OutcomeUnknown):
        booking.result()
    assert own_bench.count("appointment", proxied.business_id) == 0
    assert proxied.port.book(proxied.customer.writes("one"), proxied.booking()).version == 1
    assert own_bench.count("appointment", proxied.business_id) == 1


def test_an_unreachable_database_is_unavailable_until_it_returns(
    own_bench: Workbench, proxied: Shop, proxy: TcpProxy
) -> None:
    assert proxied.starts()
    with proxy.unreachable():
        for call in (proxied.starts, proxied.book):
            with pytest.raises(Unavailable):
                call()
    assert proxied.starts()
    assert proxied.book().version == 1
