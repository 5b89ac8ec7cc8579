"""Searches from a streaming replica: up to two seconds old, and from the primary while the replica cannot answer."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import psycopg
import pytest
from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import OfferingNotFound, SlotUnavailable
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.port import SchedulingPort
from deploy.databases.schemas import scheduling_target
from deploy.databases.set_up import set_up
from deploy.devstack.postgres import PostgresServer
from deploy.devstack.standby import PostgresStandby
from monolith.modules.scheduling.adapters import search_replica
from monolith.modules.scheduling.adapters.in_process import in_process_scheduling, with_search_replica
from tests.contract.port.shop import NINE, Shop, at, open_shop
from tests.databases import Databases
from tests.polling import eventually

SECRET = "secret-of-the-replica"
DATABASE = "scheduling"
NOBODY = "postgresql://127.0.0.1:9/none"


class CountingPort(SchedulingPort):
    """The primary, which counts the calls that reach it."""

    def __init__(self, port: SchedulingPort) -> None:
        self.port = port
        self.calls = 0

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        self.calls += 1
        return self.port.call(operation, ctx, request)


@pytest.fixture(scope="module")
def primary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with PostgresServer(tmp_path_factory.mktemp("primary"), name="primary", durable=False) as server:
        set_up(scheduling_target(server.admin_url(DATABASE), SECRET))
        yield server


@pytest.fixture(scope="module")
def standby(primary: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresStandby]:
    with PostgresStandby(primary, tmp_path_factory.mktemp("standby") / "data", name="standby") as server:
        yield server


@pytest.fixture
def counted(primary: PostgresServer) -> CountingPort:
    return CountingPort(in_process_scheduling(plain_url(primary), SECRET, pool_size=2))


@pytest.fixture
def shop(counted: CountingPort, standby: PostgresStandby, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose replica is asked again as soon as possible after a failure."""
    monkeypatch.setattr(search_replica, "CHECK_SECONDS", 0.0)
    monkeypatch.setattr(search_replica, "RETRY_SECONDS", 0.0)
    opened = open_shop(counted.port, uuid7())
    port = with_search_replica(counted, plain_url(standby), SECRET, pool_size=2, on_pool_wait=lambda seconds: None)
    shop = opened.through(port)
    eventually(lambda: slots_of_replica(shop, counted), "the replica has replayed the opening of the shop")
    return shop


def plain_url(server: PostgresServer) -> str:
    port = urlsplit(server.admin_url()).port
    return f"postgresql://127.0.0.1:{port}/{DATABASE}"


def slots_of_replica(shop: Shop, counted: CountingPort) -> Sequence[m.Slot] | None:
    """Search, and return the free slots; None if the primary answered."""
    before = counted.calls
    slots = shop.search().slots
    return slots if counted.calls == before else None


def answered_by_replica(shop: Shop, counted: CountingPort) -> bool:
    return slots_of_replica(shop, counted) is not None


def replay(standby: PostgresServer, what: str) -> None:
    """Pause or resume the replay of the standby: `what` is `pause` or `resume`."""
    with psycopg.connect(standby.admin_url(), autocommit=True) as connection:
        connection.execute(f"SELECT pg_wal_replay_{what}()")


@pytest.mark.parametrize("is_down", [True, False])
def test_a_server_that_is_down_or_no_replica_is_not_asked(databases: Databases, is_down: bool) -> None:
    url, secret = databases.scheduling_url, databases.role_secret
    counted = CountingPort(in_process_scheduling(url, secret, pool_size=2))
    opened = open_shop(counted.port, uuid7())
    replica = NOBODY if is_down else url
    shop = opened.through(with_search_replica(counted, replica, secret, pool_size=2, on_pool_wait=lambda seconds: None))
    shop.book(NINE)
    assert NINE not in shop.starts()
    assert not answered_by_replica(shop, counted)


@pytest.mark.long
def test_a_search_sees_a_booking_once_the_replica_has_replayed_it(shop: Shop, counted: CountingPort) -> None:
    assert NINE in shop.starts()
    shop.book(NINE)
    eventually(lambda: NINE not in shop.starts())
    assert answered_by_replica(shop, counted)


@pytest.mark.long
def test_a_listed_start_that_is_taken_is_refused_by_the_primary(
    shop: Shop, standby: PostgresStandby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_replica, "LONGEST_LAG_SECONDS", 600.0)
    replay(standby, "pause")
    try:
        shop.book(NINE)
        assert NINE in shop.starts(), "as the replica sees it"
        with pytest.raises(SlotUnavailable):
            shop.book(NINE, by=shop.stranger)
    finally:
        replay(standby, "resume")


@pytest.mark.long
def test_a_replica_that_is_too_far_behind_is_not_asked(
    shop: Shop, counted: CountingPort, standby: PostgresStandby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_replica, "LONGEST_LAG_SECONDS", 0.0)
    replay(standby, "pause")
    try:
        shop.book(NINE)
        eventually(lambda: not answered_by_replica(shop, counted))
        assert NINE not in shop.starts()
    finally:
        replay(standby, "resume")
    eventually(lambda: answered_by_replica(shop, counted))


@pytest.mark.long
def test_what_the_replica_does_not_know_yet_is_found_by_the_primary(shop: Shop, standby: PostgresStandby) -> None:
    replay(standby, "pause")
    try:
        new = shop.add_offering("Colour")
        assert shop.search(offering_id=new.offering_id).slots
    finally:
        replay(standby, "resume")
    with pytest.raises(OfferingNotFound):
        shop.search(offering_id=uuid7())


@pytest.mark.long
def test_searches_go_to_the_primary_while_the_replica_is_down(
    shop: Shop, counted: CountingPort, standby: PostgresStandby
) -> None:
    standby.stop()
    try:
        assert NINE in shop.starts()
        assert not answered_by_replica(shop, counted)
        shop.book(at(10))
    finally:
        standby.start()
    eventually(lambda: answered_by_replica(shop, counted))
    eventually(lambda: at(10) not in shop.starts())
