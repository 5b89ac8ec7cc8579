"""Helpers of the replication tests."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from uuid_utils.compat import uuid7

from contracts.scheduling.values import DatabaseName
from monolith.cutover import replication
from monolith.cutover.databases import SchedulingDatabase, SchedulingDatabases
from monolith.cutover.replication import CopyProgress
from monolith.cutover.verification import compare
from scheduling_service.engine.database import EngineDatabase
from scheduling_service.engine.engine import SchedulingEngine
from tests.conftest import FOLDER
from tests.contract.port.shop import Shop, open_shop
from tests.databases import Databases


def start(
    pair: SchedulingDatabases, say: Callable[[CopyProgress], None] = lambda progress: None, **given: Any
) -> list[CopyProgress]:
    """Start replication and return the reported progress."""
    said: list[CopyProgress] = []

    def tell(progress: CopyProgress) -> None:
        said.append(progress)
        say(progress)

    with turn_to_start():
        replication.start(pair.extraction, tell, **{"allow_unbounded_wal": True, **given})
    return said


@contextmanager
def replicating(databases: Databases) -> Iterator[SchedulingDatabases]:
    """Replicate both ways between two databases while the block runs."""
    pair = SchedulingDatabases(
        SchedulingDatabase("monolith", databases.monolith_url, databases.role_secret),
        SchedulingDatabase("scheduling", databases.scheduling_url, databases.role_secret),
    )
    start(pair)
    try:
        yield pair
    finally:
        assert replication.stop(pair.extraction) == []


@contextmanager
def turn_to_start() -> Iterator[None]:
    """Serialize starts of replication over all workers of a run, which share two servers.

    An initial copy holds a transaction open on one server while it waits for the other, so two copies in opposite
    directions would deadlock.
    """
    with (Path(os.environ[FOLDER]) / "replication.starting").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def engine_at(pair: SchedulingDatabases, name: DatabaseName) -> SchedulingEngine:
    return SchedulingEngine(EngineDatabase(pair.at(name).url_as("scheduling_app"), pool_size=2))


def shop_at(pair: SchedulingDatabases, name: DatabaseName) -> Shop:
    """Open a shop directly in one database, without a row in the routing table."""
    return open_shop(engine_at(pair, name), uuid7())


def same(pair: SchedulingDatabases, business_id: UUID) -> bool:
    with pair.monolith.connect() as one, pair.scheduling.connect() as another:
        return compare(one, another, business_id).equal


def administrator(databases: Databases, statement: str, name: DatabaseName = "scheduling") -> None:
    url = databases.scheduling_admin_url if name == "scheduling" else databases.monolith_admin_url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())
