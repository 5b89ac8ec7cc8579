"""What each module's statements do in the database, when somebody looks."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from monolith.shared.database import Database
from monolith.shared.telemetry.sessions import Sessions
from scheduling_service.credentials import role_url
from tests.databases import Databases
from tests.integration.engine.workbench import Background
from tests.patience import eventually

ROLE = "billing_app"


@pytest.fixture
def billing(databases: Databases) -> Iterator[Database]:
    with closing(Database(databases.monolith_url, role=ROLE, secret=databases.role_secret, pool_size=1)) as database:
        yield database


def test_what_runs_and_what_waits_for_a_lock_are_told_apart(databases: Databases, billing: Database) -> None:
    sessions = Sessions({"billing": billing})
    assert sessions.counts() == {("billing", "running"): 0, ("billing", "lock"): 0}
    url = role_url(databases.monolith_url, ROLE, databases.role_secret)
    with psycopg.connect(url) as holder, psycopg.connect(url) as waiter, psycopg.connect(url) as worker:
        holder.execute("SELECT pg_advisory_xact_lock(1)")
        waiting = Background(lambda: waiter.execute("SELECT pg_advisory_xact_lock(1)"))
        working = Background(lambda: worker.execute("SELECT pg_sleep(60)"))
        expected = {("billing", "running"): 1, ("billing", "lock"): 1}
        eventually(lambda: sessions.counts() == expected, "one of each")
        holder.rollback()
        waiting.result()
        worker.cancel_safe()
        with pytest.raises(psycopg.errors.QueryCanceled):
            working.result()
        assert sessions.counts() == {("billing", "running"): 0, ("billing", "lock"): 0}


def test_a_module_without_a_database_is_left_out(databases: Databases, billing: Database) -> None:
    nowhere = Database("postgresql://127.0.0.1:9/none", role=ROLE, secret="x", pool_size=1, pool_timeout=0.2)
    found = Sessions({"billing": billing, "gone": nowhere}).counts()
    assert {module for module, _ in found} == {"billing"}
