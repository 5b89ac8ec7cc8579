"""One engine on one real database, and a superuser's view of its rows."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow
from uuid_utils.compat import uuid7

from contracts.chassis.credentials import role_url
from contracts.scheduling.errors import SchedulingError, Unavailable
from scheduling_service.engine.database import EngineDatabase
from scheduling_service.engine.engine import SchedulingEngine
from tests.contract.port.shop import Shop, open_shop
from tests.databases import Databases

Administrator = psycopg.Connection[TupleRow]
T = TypeVar("T")

PATIENCE = 10.0
A_MOMENT = 0.2
"""After which the product tells those to return who waited for a lock in vain."""
SLOW_COMMIT = """
    CREATE FUNCTION public.dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON scheduling.appointment
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.dawdle();
"""
"""For a database of one's own: booking takes so long to commit."""


@dataclass(frozen=True)
class Workbench:
    """`database` and `engine` run as `scheduling_app`; the administrator is a superuser, exempt from row security."""

    databases: Databases
    database: EngineDatabase
    engine: SchedulingEngine

    def shop(self, **offering: Any) -> Shop:
        return open_shop(self.engine, uuid7(), **offering)

    def administrator(self) -> Administrator:
        return psycopg.connect(self.databases.scheduling_admin_url, autocommit=True)

    def sql(self, statement: str, *values: object) -> list[Any]:
        with self.administrator() as administrator:
            cursor = administrator.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def connect(self, role: str) -> Administrator:
        """Connect as one of the running roles."""
        return psycopg.connect(self.role_url(role), autocommit=True)

    def role_url(self, role: str) -> str:
        return role_url(self.databases.scheduling_url, role, self.databases.role_secret)

    @contextmanager
    def fenced(self, business_id: UUID) -> Iterator[Administrator]:
        """Hold the fence of a business during the block, as a cutover does."""
        with self.administrator() as administrator, administrator.transaction():
            administrator.execute("SELECT pg_advisory_xact_lock(scheduling.fence_key(%s))", (business_id,))
            yield administrator

    def count(self, table: str, business_id: UUID) -> int:
        return int(self.sql(f"SELECT count(*) FROM scheduling.{table} WHERE business_id = %s", business_id)[0][0])

    def waiting(self, what: str) -> int:
        """Wait for a backend that waits for a lock in a statement containing `what`, and return it."""
        statement = """
            SELECT pid FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE %s
        """
        return int(wait_for(lambda: self.sql(statement, f"%{what}%"))[0][0])

    def committing(self) -> int:
        """Wait for a backend that is executing COMMIT, and return it."""
        statement = """
            SELECT pid FROM pg_stat_activity
             WHERE datname = current_database() AND query = 'COMMIT' AND state = 'active'
        """
        return int(wait_for(lambda: self.sql(statement))[0][0])

    def terminate(self, pid: int) -> None:
        self.sql("SELECT pg_terminate_backend(%s, 5000)", pid)

    def deadlocks(self) -> int:
        """Return the number of deadlocks. Backends report them when they end, so the pool is emptied first."""
        self.database.drop_idle()
        return int(self.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")[0][0])


@contextmanager
def workbench_on(databases: Databases, *, pool_size: int = 34, pool_timeout: float = 2.0) -> Iterator[Workbench]:
    url = role_url(databases.scheduling_url, "scheduling_app", databases.role_secret)
    database = EngineDatabase(url, pool_size=pool_size, pool_timeout=pool_timeout)
    try:
        yield Workbench(databases, database, SchedulingEngine(database))
    finally:
        database.drop_idle()


def wait_for(found: Callable[[], T], seconds: float = PATIENCE) -> T:
    """Poll `found` until it returns something, and return that."""
    until = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.01)
    return result


def told_to_return(error: Exception) -> bool:
    """Whether an outcome means that nothing was done and the call should be repeated. On a busy machine, a lock wait
    may exceed the product's timeout."""
    return isinstance(error, Unavailable) and error.retry_after == A_MOMENT


def at_once(calls: Sequence[Callable[[], T]]) -> list[T | SchedulingError]:
    """Run calls that start at the same moment, each in a thread; return results or refusals. Raise other exceptions.

    Calls that receive a request to retry are repeated.
    """
    ready = threading.Barrier(len(calls))

    def begin(call: Callable[[], T]) -> T | SchedulingError:
        ready.wait()
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return call()
            except SchedulingError as refusal:
                if not told_to_return(refusal) or time.monotonic() > until:
                    return refusal
            time.sleep(A_MOMENT)

    with ThreadPoolExecutor(len(calls)) as threads:
        return [each.result() for each in [threads.submit(begin, call) for call in calls]]


class Background(Generic[T]):
    """A call that runs in a thread in parallel with the test."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._threads = ThreadPoolExecutor(1)
        self._future = self._threads.submit(call)
        self._threads.shutdown(wait=False)

    def result(self) -> T:
        """Return the result or the exception raised."""
        return self._future.result(PATIENCE)
