"""The database passwords are rotated while bookings are written and replicated, on servers of this test's own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from uuid_utils.compat import uuid7

from contracts.chassis.credentials import role_url, without_credentials
from contracts.scheduling import models as m
from deploy.databases.rotate import set_passwords
from deploy.databases.schemas import Target, monolith_target, scheduling_target
from deploy.databases.set_up import set_up
from deploy.devstack.postgres import PostgresServer
from deploy.errors import CommandError
from monolith.cutover import replication
from monolith.cutover.databases import SchedulingDatabase, SchedulingDatabases
from monolith.shared.database import ModuleDatabase
from scheduling_service.engine.database import EngineDatabase
from scheduling_service.engine.engine import SchedulingEngine
from tests.contract.port.shop import Shop, open_shop
from tests.cutover.replication_pair import same, start
from tests.polling import eventually

OLD, NEW = "old-secret-of-the-monolith", "new-secret-of-the-monolith"
OTHER = "secret-of-the-scheduling-service"


@pytest.fixture
def targets(tmp_path: Path) -> Iterator[tuple[Target, Target]]:
    """Both databases after a set-up with the old secret."""
    settings = {"max_wal_size": "256MB"}
    with (
        PostgresServer(tmp_path / "monolith", durable=False, settings=settings) as one,
        PostgresServer(tmp_path / "scheduling", durable=False, settings=settings) as other,
    ):
        found = monolith_target(one.admin_url("monolith"), OLD), scheduling_target(other.admin_url("scheduling"), OTHER)
        for target in found:
            set_up(target)
        yield found


def pair_with(targets: tuple[Target, Target], secret: str) -> SchedulingDatabases:
    monolith, scheduling = (without_credentials(target.url) for target in targets)
    return SchedulingDatabases(
        SchedulingDatabase("monolith", monolith, secret), SchedulingDatabase("scheduling", scheduling, OTHER)
    )


class Writer:
    """Books and cancels without a pause, logging in again for each booking."""

    def __init__(self, shop: Shop, engine: EngineDatabase) -> None:
        self._shop, self._engine = shop, engine
        self.booked = 0
        self._stopped = threading.Event()

    @contextmanager
    def running(self) -> Iterator["Writer"]:
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._engine.drop_idle()
            appointment = self._shop.book()
            self._shop.port.cancel(self._shop.customer.writes(), m.Cancel(appointment_id=appointment.appointment_id))
            self.booked += 1


@pytest.mark.long
def test_passwords_are_rotated_while_bookings_are_replicated(targets: tuple[Target, Target]) -> None:
    monolith = targets[0]
    start(pair_with(targets, OLD))
    both = f"{NEW},{OLD}"
    engine = EngineDatabase(role_url(monolith.url, "scheduling_app", both), pool_size=1)
    module = ModuleDatabase(without_credentials(monolith.url), role="auth_app", secret=both, pool_size=1)
    pair = pair_with(targets, both)
    shop = open_shop(SchedulingEngine(engine), uuid7())
    with Writer(shop, engine).running() as writer:
        eventually(lambda: writer.booked > 3)
        module.ping()
        set_passwords(replace(monolith, role_secret=both))
        module.close()
        module.ping()
        assert replication.reconnect(pair.extraction) == ["monolith to scheduling", "scheduling to monolith"]
        end_replication_connections(monolith)
        count = writer.booked
        eventually(lambda: writer.booked > count + 3)
    eventually(lambda: same(pair, shop.business_id), "everything has arrived")
    set_passwords(replace(monolith, role_secret=both))
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        pair_with(targets, OLD).monolith.connect()
    pair_with(targets, NEW).monolith.connect().close()
    assert replication.find_problems(pair_with(targets, NEW).extraction, max_lag_bytes=10**9) == []
    module.close()


def end_replication_connections(target: Target) -> None:
    """End the sessions of subscribers, which must log in again."""
    with psycopg.connect(target.url, autocommit=True) as administrator:
        ended = administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_replication WHERE application_name LIKE 'scheduling_%'"
        ).fetchall()
    assert ended


@pytest.mark.long
def test_a_rotation_without_the_secret_in_use_is_refused(targets: tuple[Target, Target]) -> None:
    with pytest.raises(CommandError, match="set it to NEW,OLD here and in every process"):
        set_passwords(replace(targets[0], role_secret=NEW))
    with pytest.raises(CommandError, match="neither secret is that of the monolith database"):
        set_passwords(replace(targets[0], role_secret=f"{NEW},another-wrong-secret"))
