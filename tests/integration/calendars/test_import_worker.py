"""The worker blocks imported times exactly once, whatever fails on the way."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import psycopg
import pytest
from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import OutcomeUnknown, Unavailable
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.port import SchedulingPort
from monolith.modules.calendars import import_worker
from monolith.modules.calendars.api import BusyImports, CreateImport
from monolith.modules.calendars.import_worker import BlockWriter, ImportReader
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import BusinessRef
from monolith.shared.outbound import AddressRule, OutboundClient
from monolith.shared.rate_limits.local_buckets import LocalBuckets
from tests.contract.port.shop import Shop, open_shop
from tests.databases import Databases
from tests.http_receiver import Received, Reply, http_receiver
from tests.polling import eventually
from tests.site import engine_in

TOMORROW = datetime.combine(datetime.now(UTC).date() + timedelta(days=1), time(), UTC)


@dataclass
class Unreliable(SchedulingPort):
    """The real engine, whose replies get lost, or that is unreachable, as often as a test says."""

    engine: SchedulingPort
    lost: int = 0
    unreachable: set[UUID] = field(default_factory=set)

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        if ctx.business_id in self.unreachable and operation.writes:
            raise Unavailable("The business is being moved; nothing was done.", retry_after=1)
        reply = self.engine.call(operation, ctx, request)
        if operation.writes and self.lost > 0:
            self.lost -= 1
            raise OutcomeUnknown("The reply was lost.")
        return reply


@dataclass
class Worker:
    database: ModuleDatabase
    port: Unreliable
    imports: BusyImports
    reader: ImportReader
    writer: BlockWriter
    admin_url: str

    def sql(self, statement: str) -> list[Any]:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def run(self) -> None:
        """Do all that is due, as if the time of every delay had passed."""
        self.sql("UPDATE calendars.busy_import SET next_run_at = now()")
        self.sql("UPDATE calendars.imported_time SET next_attempt_at = now()")
        while self.reader.step() or self.writer.step():
            pass

    def add(self, shop: Shop, *hours: int) -> tuple[BusinessRef, UUID]:
        return self._add(shop, CreateImport(provider_id=shop.provider.provider_id, content=calendar(*hours)))

    def add_address(self, shop: Shop, url: str) -> tuple[BusinessRef, UUID]:
        return self._add(shop, CreateImport(provider_id=shop.provider.provider_id, url=url))

    def another_reader(self) -> ImportReader:
        return ImportReader(self.database, self.port, OutboundClient(AddressRule([ip_network("127.0.0.1/32")])))

    def _add(self, shop: Shop, wanted: CreateImport) -> tuple[BusinessRef, UUID]:
        business = BusinessRef(shop.business_id, "shop", "Shop", "UTC", "EUR")
        return business, self.imports.create(business, uuid7(), wanted).import_id


@pytest.fixture
def worker(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    app, working = (
        ModuleDatabase(databases.monolith_url, role=f"calendars_{role}", secret=databases.role_secret)
        for role in ("app", "worker")
    )
    port = Unreliable(engine_in(databases.monolith_url, databases.role_secret))
    reader = ImportReader(working, port, OutboundClient(AddressRule([ip_network("127.0.0.1/32")])))
    imports, writer = BusyImports(app, LocalBuckets()), BlockWriter(working, port)
    monkeypatch.setattr(import_worker, "REST", 0)
    yield Worker(working, port, imports, reader, writer, databases.monolith_admin_url)
    app.close()
    working.close()


def calendar(*hours: int) -> str:
    events = [
        f"BEGIN:VEVENT\r\nUID:{hour}\r\nDTSTAMP:20300101T000000Z\r\n"
        f"DTSTART:{TOMORROW + timedelta(hours=hour):%Y%m%dT%H%M%SZ}\r\nDURATION:PT30M\r\nEND:VEVENT\r\n"
        for hour in hours
    ]
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{''.join(events)}END:VCALENDAR\r\n"


def blocked(shop: Shop) -> list[int]:
    """Return the hours of tomorrow that are blocked."""
    wanted = m.ListBlocks(start=TOMORROW, end=TOMORROW + timedelta(days=1))
    return [each.start.hour for each in shop.port.list_blocks(shop.staff.reads(), wanted).blocks]


def test_lost_replies_block_and_release_each_time_once(worker: Worker) -> None:
    shop = open_shop(worker.port, uuid7())
    business, import_id = worker.add(shop, 9, 11, 13)
    worker.port.lost = 1
    worker.reader.step()
    worker.writer.step()
    assert blocked(shop) == [9], "the others of the business wait"
    worker.run()
    assert blocked(shop) == [9, 11, 13]
    assert worker.imports.of_business(business)[0].busy_times == 3

    worker.imports.remove(business, import_id)
    worker.port.lost = 1
    worker.writer.step()
    worker.run()
    assert blocked(shop) == []
    assert worker.sql("SELECT * FROM calendars.busy_import") == []


def test_business_that_is_being_moved_delays_no_other(worker: Worker) -> None:
    moved, other = open_shop(worker.port, uuid7()), open_shop(worker.port, uuid7())
    worker.add(moved, 9)
    worker.add(other, 10)
    worker.port.unreachable.add(moved.business_id)
    while worker.reader.step() or worker.writer.step():
        pass
    assert blocked(moved) == []
    assert blocked(other) == [10]
    worker.port.unreachable.clear()
    worker.run()
    assert blocked(moved) == [9]


def test_import_that_is_removed_while_it_is_read_blocks_nothing(worker: Worker) -> None:
    shop = open_shop(worker.port, uuid7())
    business, import_id = worker.add(shop, 9)
    worker.reader.step()
    worker.imports.remove(business, import_id)
    worker.run()
    assert blocked(shop) == []
    assert worker.imports.of_business(business) == []


def test_business_that_waits_is_next_after_one_calendar_of_another(worker: Worker) -> None:
    crowding, other = open_shop(worker.port, uuid7()), open_shop(worker.port, uuid7())
    for hour in (8, 9, 10):
        worker.add(crowding, hour)
    business, _ = worker.add(other, 11)
    worker.reader.step()
    assert worker.imports.of_business(business)[0].last_success_at is None
    worker.reader.step()
    assert worker.imports.of_business(business)[0].last_success_at is not None
    worker.run()
    assert (blocked(crowding), blocked(other)) == ([8, 9, 10], [11])


def test_business_with_many_times_delays_those_of_no_other(worker: Worker) -> None:
    crowding, other = open_shop(worker.port, uuid7()), open_shop(worker.port, uuid7())
    for _ in range(4):
        worker.add(crowding, *range(0, 24, 2))
    worker.add(other, 11)
    while worker.reader.step():
        pass
    worker.writer.step()
    assert blocked(other) == []
    worker.writer.step()
    assert blocked(other) == [11]


def test_slow_calendars_of_a_business_occupy_one_reader(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_worker, "FETCH_SECONDS", 30.0)
    crowding, other = open_shop(worker.port, uuid7()), open_shop(worker.port, uuid7())
    answer = threading.Event()

    def reply(_: Received) -> Reply:
        answer.wait(30)
        return Reply(body=calendar(9).encode())

    with http_receiver(reply) as receiver, ThreadPoolExecutor(1) as pool:
        for _ in range(3):
            worker.add_address(crowding, receiver.url)
        first = pool.submit(worker.another_reader().step)
        eventually(lambda: receiver.requests, "the first request")
        business, _ = worker.add(other, 11)
        assert worker.reader.step()
        assert worker.imports.of_business(business)[0].last_success_at is not None
        assert not worker.reader.step(), "the business whose calendars are slow has a reader already"
        answer.set()
        assert first.result()
    assert len(receiver.requests) == 1


def test_business_rests_after_a_calendar_that_takes_long(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = open_shop(worker.port, uuid7())
    worker.add(shop, 9)
    worker.add(shop, 10)
    monkeypatch.setattr(import_worker, "SLOW_SECONDS", 0.0)
    monkeypatch.setattr(import_worker, "REST", 1000)
    assert worker.reader.step()
    assert not worker.reader.step()
    worker.sql("UPDATE calendars.import_turn SET ends_at = now()")
    assert worker.reader.step()
    worker.run()
    assert blocked(shop) == [9, 10]


def test_turns_of_businesses_without_imports_are_forgotten(worker: Worker) -> None:
    business, import_id = worker.add(open_shop(worker.port, uuid7()), 9)
    worker.run()
    assert worker.sql("SELECT work FROM calendars.import_turn ORDER BY work") == [("read",), ("write",)]
    worker.imports.remove(business, import_id)
    worker.run()
    assert worker.sql("SELECT work FROM calendars.import_turn") == []


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (Reply(302, {"Location": "http://[x"}), "The web address is malformed."),
        (Reply(body=b"\x00gar\x00bage\r\n"), "This is not a calendar file: Content line could not be parsed"),
    ],
    ids=["redirect", "NUL"],
)
def test_any_reply_of_the_host_is_a_problem_that_staff_see(worker: Worker, reply: Reply, problem: str) -> None:
    shop = open_shop(worker.port, uuid7())
    with http_receiver(lambda _: reply) as receiver:
        business, _ = worker.add_address(shop, receiver.url)
        assert worker.reader.step()
    (shown,) = worker.imports.of_business(business)
    assert str(shown.problem).startswith(problem)
    assert str(shown.problem).isprintable()
    assert worker.sql("SELECT failures FROM calendars.busy_import") == [(1,)]
