"""Behind a pooler that runs each transaction in another server session, the product works with a direct URL next to the
pooled one, and refuses to start without it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from contracts.chassis.credentials import role_url
from contracts.chassis.direct_connection import require_direct
from deploy.devstack.ports import free_port
from scheduling_service.relay.outbox import Outbox
from tests.databases import Databases
from tests.e2e.shop import Customer, answered, furnished_shop
from tests.gunicorn_site import gunicorn_site
from tests.pooled_product import use_engine_and_modules
from tests.servers import ROOT
from tests.transaction_pooler import TransactionPooler


@pytest.fixture
def pooler(databases: Databases) -> Iterator[TransactionPooler]:
    with TransactionPooler(lambda role: role_url(databases.monolith_url, role, databases.role_secret)) as pooler:
        yield pooler


@pytest.fixture
def pooled_url(databases: Databases, pooler: TransactionPooler) -> str:
    return urlsplit(databases.monolith_url)._replace(netloc=f"127.0.0.1:{pooler.port}").geturl()


def test_engine_and_modules_share_sessions(databases: Databases, pooler: TransactionPooler, pooled_url: str) -> None:
    use_engine_and_modules(databases, pooled_url)
    for role in ("scheduling_app", "auth_app"):
        assert len(pooler.pools[role].transactions) > 1, "transactions of one client run in several sessions"


@pytest.mark.long
def test_bookings_pass_through_the_pooler(
    databases: Databases, pooler: TransactionPooler, pooled_url: str, tmp_path: Path
) -> None:
    urls = {"MONOLITH_DATABASE_URL": pooled_url, "MONOLITH_DATABASE_DIRECT_URL": databases.monolith_url}
    with gunicorn_site(databases, tmp_path, WEB_WORKERS="1", **urls) as site:
        shop = furnished_shop(site.url, "pooled-salon", "in_process")
        customers = [Customer(site, shop) for _ in range(2)]
        starts = [slot["starts_at"] for slot in answered(customers[0].slots())["slots"]]

        def book_in_turn(customer: Customer) -> list[int]:
            """All customers request the same times."""
            return [customer.book(start).status_code for start in starts[:4]]

        with ThreadPoolExecutor(len(customers)) as threads:
            statuses = list(threads.map(book_in_turn, customers))
        for results in zip(*statuses, strict=True):
            assert sorted(results) == [201, 409]
        booked = [each for customer in customers for each in answered(customer.appointments())["appointments"]]
        assert len(booked) == 4
        assert answered(customers[0].client.get("/me"))
    for role in ("scheduling_app", "auth_app", "cutover_app"):
        assert len(pooler.pools[role].transactions) > 1, "transactions of one client run in several sessions"
    with psycopg.connect(databases.monolith_admin_url) as admin:
        (count,) = admin.execute("SELECT count(*) FROM scheduling.appointment WHERE status = 'booked'").fetchone() or (
            0,
        )
    assert count == 4


def test_sessions_behind_the_pooler_have_the_limits_of_their_role(databases: Databases, pooled_url: str) -> None:
    with psycopg.connect(role_url(pooled_url, "auth_app", databases.role_secret), autocommit=True) as pooled:
        found = [
            pooled.execute(f"SHOW {name}").fetchone()
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "timezone")
        ]
    assert found == [("10s",), ("5s",), ("15s",), ("UTC",)]


def test_a_process_without_a_direct_url_refuses_to_start(databases: Databases, pooled_url: str) -> None:
    settings = {
        "SCHEDULING_DATABASE_URL": pooled_url,
        "DATABASE_ROLE_SECRET": databases.role_secret,
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    command = [sys.executable, "-m", "scheduling_service.relay"]
    ended = subprocess.run(
        command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("scheduling: SCHEDULING_DATABASE_DIRECT_URL leads to a connection pooler")


def test_no_session_lock_is_held_through_a_pooler(databases: Databases, pooled_url: str) -> None:
    """Two processes would both lead: the pooler gives the session with the lock to another client."""
    with pytest.raises(psycopg.OperationalError):
        Outbox(pooled_url, databases.role_secret).try_to_lead()
    outbox = Outbox(databases.monolith_url, databases.role_secret)
    assert outbox.try_to_lead()
    outbox.close()


def test_an_unreachable_database_is_not_taken_for_a_pooler() -> None:
    require_direct({"MONOLITH_DATABASE_DIRECT_URL": f"postgresql://127.0.0.1:{free_port()}/none"})
