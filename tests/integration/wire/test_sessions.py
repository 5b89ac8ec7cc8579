"""Lock waits in the service's database: its metrics show them, and `extraction evidence` reports them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import psycopg
import requests

from deploy.devstack.keys import Keys
from loadtests.evidence.diagnosis import diagnose
from loadtests.evidence.metrics_pages import scrape_pages
from loadtests.evidence.window import build_window
from tests.databases import Databases
from tests.faults.proxy import TcpProxy
from tests.faults.service import SchedulingWeb
from tests.integration.wire.client import RawClient

SECONDS = 3.0


def test_evidence_reports_a_lock_in_the_service(
    web: SchedulingWeb, client: RawClient, keys: Keys, service_databases: Databases
) -> None:
    with psycopg.connect(service_databases.scheduling_admin_url) as holder, asking(client):
        holder.execute("LOCK TABLE scheduling.offering IN ACCESS EXCLUSIVE MODE")
        seen = build_window(scrape_pages({f"{web.url}/metrics": keys.metrics_token}, SECONDS))
    found = diagnose(seen)
    assert (found.resource, found.module) == ("lock", "scheduling service"), found


def test_metrics_omit_sessions_when_the_database_does_not_respond(
    service_databases: Databases, keys: Keys, tmp_path: Path
) -> None:
    with TcpProxy.before(service_databases.scheduling_url) as proxy:
        through = proxy.url_through(service_databases.scheduling_url)
        with SchedulingWeb(service_databases, keys, tmp_path, SCHEDULING_DATABASE_URL=through) as web:
            assert 'scheduling_database_sessions{module="scheduling",state="lock"} 0.0' in page(web, keys)
            with proxy.half_open():
                began = time.monotonic()
                told = page(web, keys)
                assert time.monotonic() - began < 3
            assert "scheduling_database_sessions{" not in told
            assert "scheduling_http_processes 1.0" in told
            web.kill_all()


@contextmanager
def asking(client: RawClient) -> Iterator[None]:
    """Request the offerings repeatedly, with a timeout of half a second."""
    over = Event()

    def ask() -> None:
        while not over.is_set():
            client.get("/v1/offerings", Time_Left_Ms="500")

    thread = Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def page(web: SchedulingWeb, keys: Keys) -> str:
    bearer = {"Authorization": f"Bearer {keys.metrics_token}"}
    return requests.get(f"{web.url}/metrics", headers=bearer, timeout=10).text
