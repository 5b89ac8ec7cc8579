"""An exhausted pool, and databases that are read-only, not migrated, missing or restarted."""

import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from uuid_utils.compat import uuid7

from contracts.chassis.credentials import role_url
from contracts.chassis.deadline import Deadline
from contracts.scheduling import models as m
from contracts.scheduling.errors import Unavailable
from deploy.databases.schemas import scheduling_target
from deploy.databases.set_up import set_up
from deploy.devstack.ports import free_port
from deploy.devstack.postgres import PostgresServer
from scheduling_service.engine.database import EngineDatabase
from scheduling_service.engine.engine import SchedulingEngine
from tests.contract.port.shop import Shop, at, open_shop
from tests.databases import Databases
from tests.integration.engine.workbench import Workbench, at_once, wait_for, workbench_on


@pytest.mark.row("F19")
@pytest.mark.parametrize(("patience", "seconds", "waits"), [(0.3, 10.0, 0.3), (10.0, 0.3, 0.3), (0.0, 10.0, 0.0)])
def test_an_exhausted_pool_refuses_within_its_timeout(
    bench: Workbench, shop: Shop, patience: float, seconds: float, waits: float
) -> None:
    """The wait ends by the pool's timeout or the caller's deadline; afterwards the pool serves immediately."""
    with workbench_on(bench.databases, pool_size=2, pool_timeout=patience) as small:
        far = shop.through(small.engine)
        with ExitStack() as held:
            for _ in range(2):
                held.enter_context(small.database.connection(Deadline.after(5)))
            for call in (
                lambda: far.port.book(far.customer.writes(seconds=seconds), far.booking()),
                lambda: far.port.get_business(far.staff.reads(seconds=seconds), m.GetBusiness()),
            ):
                began = time.monotonic()
                with pytest.raises(Unavailable) as refusal:
                    call()
                assert waits <= time.monotonic() - began < waits + 0.4
                assert refusal.value.retry_after > 0
        assert far.book().version == 1


def test_more_callers_than_connections_all_succeed(bench: Workbench, shop: Shop) -> None:
    with workbench_on(bench.databases, pool_size=2, pool_timeout=5) as small:
        far = shop.through(small.engine)
        found = at_once([far.starts] * 16)
    assert all(each == found[0] for each in found)


@pytest.mark.row("F21")
def test_a_read_only_database_refuses_writes_and_serves_reads(own_bench: Workbench, own_shop: Shop) -> None:
    name = Identifier(urlsplit(own_bench.databases.scheduling_url).path[1:])
    with own_bench.administrator() as administrator:
        administrator.execute(SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
    own_bench.database.drop_idle()
    with pytest.raises(Unavailable, match="does not accept writes"):
        own_shop.book()
    assert at(9) in own_shop.starts()
    with own_bench.administrator() as administrator:
        administrator.execute("SET default_transaction_read_only = off")
        administrator.execute(SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))
    own_bench.database.drop_idle()
    assert own_shop.book().version == 1


@pytest.fixture
def unmigrated(databases: Databases) -> Iterator[SchedulingEngine]:
    """An engine on an empty database."""
    server, name = urlsplit(databases.scheduling_admin_url), f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server.geturl(), autocommit=True) as administrator:
        administrator.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        url = urlsplit(databases.scheduling_url)._replace(path=f"/{name}").geturl()
        yield SchedulingEngine(EngineDatabase(role_url(url, "scheduling_app", databases.role_secret)))
        administrator.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def test_an_unmigrated_database_is_unavailable_with_the_remedy(shop: Shop, unmigrated: SchedulingEngine) -> None:
    far = shop.through(unmigrated)
    for call in (unmigrated.ping, far.starts, far.book, lambda: open_shop(unmigrated, uuid7())):
        with pytest.raises(Unavailable, match="extraction db setup"):
            call()


def test_a_missing_database_is_unavailable_immediately(shop: Shop) -> None:
    nowhere = SchedulingEngine(EngineDatabase(f"postgresql://scheduling_app:secret@127.0.0.1:{free_port()}/scheduling"))
    far = shop.through(nowhere)
    for call in (nowhere.ping, far.starts, far.book):
        began = time.monotonic()
        with pytest.raises(Unavailable, match="unreachable"):
            call()
        assert time.monotonic() - began < 1.0


def test_the_engine_reconnects_after_a_server_restart(tmp_path: Path) -> None:
    """After an orderly stop and after a kill, the engine recovers without a restart."""
    with PostgresServer(tmp_path / "postgres", durable=False) as server:
        target = scheduling_target(server.admin_url("scheduling"), "a role secret of the tests")
        set_up(target)
        url = role_url(target.url, "scheduling_app", target.role_secret)
        shop = open_shop(SchedulingEngine(EngineDatabase(url, pool_size=4)), uuid7())
        for hour, end in ((9, server.stop), (11, server.kill)):
            assert len([each for each in at_once([shop.starts] * 4) if isinstance(each, list)]) == 4
            end()
            wait_for(lambda: isinstance(at_once([shop.starts])[0], Unavailable))  # backends outlive a killed server
            for call in (shop.starts, shop.book):
                with pytest.raises(Unavailable):
                    call()
            server.start()
            shop.book(at(hour))
            assert at(hour) not in shop.starts()
            shop.book(at(hour + 1))
