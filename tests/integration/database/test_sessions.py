"""Gauges of active and waiting database sessions per module."""

import time
from collections.abc import Iterator

import psycopg
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from contracts.chassis.credentials import role_url
from contracts.chassis.database_sessions import DatabaseSessions
from tests.databases import Databases
from tests.faults.proxy import TcpProxy
from tests.integration.engine.workbench import Background
from tests.polling import eventually

GRACE = 0.6
"""Seconds of tolerance for a busy machine."""
IDLE = {("billing", "running"): 0, ("billing", "lock"): 0}


@pytest.fixture
def billing_url(databases: Databases) -> str:
    return role_url(databases.monolith_url, "billing_app", databases.role_secret)


@pytest.fixture
def proxy(billing_url: str) -> Iterator[TcpProxy]:
    with TcpProxy.before(billing_url) as proxy:
        yield proxy


@pytest.fixture
def through_proxy(billing_url: str, proxy: TcpProxy) -> DatabaseSessions:
    return DatabaseSessions("shop", {"billing": proxy.url_through(billing_url)}, timeout=0.5)


@pytest.mark.parametrize("module, url_name", [("billing", "monolith_url"), ("scheduling", "scheduling_url")])
def test_running_and_waiting_sessions_are_distinguished(databases: Databases, module: str, url_name: str) -> None:
    url = role_url(getattr(databases, url_name), f"{module}_app", databases.role_secret)
    sessions = DatabaseSessions("shop", {module: url})
    assert sessions.counts() == {(module, "running"): 0, (module, "lock"): 0}
    with psycopg.connect(url) as holder, psycopg.connect(url) as waiter, psycopg.connect(url) as worker:
        holder.execute("SELECT pg_advisory_xact_lock(1)")
        waiting = Background(lambda: waiter.execute("SELECT pg_advisory_xact_lock(1)"))
        working = Background(lambda: worker.execute("SELECT pg_sleep(60)"))
        expected = {(module, "running"): 1, (module, "lock"): 1}
        eventually(lambda: sessions.counts() == expected, "one of each")
        holder.rollback()
        waiting.result()
        worker.cancel_safe()
        with pytest.raises(psycopg.errors.QueryCanceled):
            working.result()
        assert sessions.counts() == {(module, "running"): 0, (module, "lock"): 0}


def test_metrics_use_the_prefix_of_the_application(billing_url: str) -> None:
    registry = CollectorRegistry()
    registry.register(DatabaseSessions("shop", {"billing": billing_url}))
    page = generate_latest(registry).decode()
    assert 'shop_database_sessions{module="billing",state="running"} 0.0\n' in page
    assert 'shop_database_sessions{module="billing",state="lock"} 0.0\n' in page


def test_unreachable_module_is_left_out(billing_url: str) -> None:
    sessions = DatabaseSessions("shop", {"gone": "postgresql://billing_app@127.0.0.1:9/none", "billing": billing_url})
    assert sessions.counts() == IDLE


def test_silent_database_does_not_block_the_scrape(through_proxy: DatabaseSessions, proxy: TcpProxy) -> None:
    assert through_proxy.counts() == IDLE
    with proxy.half_open():
        for _ in range(2):
            began = time.monotonic()
            assert through_proxy.counts() == {}
            assert time.monotonic() - began < 0.5 + GRACE
    eventually(lambda: through_proxy.counts() == IDLE, "the counts of a database that answers again")


def test_recovered_database_is_queried_again(through_proxy: DatabaseSessions, proxy: TcpProxy) -> None:
    assert through_proxy.counts() == IDLE
    with proxy.unreachable():
        assert through_proxy.counts() == {}
    eventually(lambda: through_proxy.counts() == IDLE, "the counts of a database that is back")
    assert proxy.connections <= 4
