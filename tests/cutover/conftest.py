"""Two databases with replication in both directions, shared by the tests of a file; each test opens its own
business. Tests that replace servers have databases on servers of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.control_plane import connected_control_plane
from monolith.cutover import replication
from monolith.cutover.databases import SchedulingDatabase, SchedulingDatabases
from monolith.cutover.service import ControlPlane
from tests.command_line import CommandLine
from tests.cutover.replication_pair import start
from tests.cutover.restorable import RestorableServers, restorable_servers
from tests.databases import Databases, fresh_databases
from tests.servers import Servers


def scheduling_databases_of(databases: Databases) -> SchedulingDatabases:
    return SchedulingDatabases(
        SchedulingDatabase("monolith", databases.monolith_url, databases.role_secret),
        SchedulingDatabase("scheduling", databases.scheduling_url, databases.role_secret),
    )


@pytest.fixture
def pair(databases: Databases) -> SchedulingDatabases:
    """A pair of databases for one test, without replication."""
    return scheduling_databases_of(databases)


@pytest.fixture(scope="module")
def shared_databases(servers: Servers) -> Iterator[Databases]:
    with fresh_databases(servers) as databases:
        yield databases


@pytest.fixture(scope="module")
def replicated(shared_databases: Databases) -> Iterator[SchedulingDatabases]:
    pair = scheduling_databases_of(shared_databases)
    start(pair)
    try:
        yield pair
    finally:
        assert replication.stop(pair.extraction) == []


@pytest.fixture
def stopped_at_the_end(pair: SchedulingDatabases) -> Iterator[SchedulingDatabases]:
    yield pair
    assert replication.stop(pair.extraction) == []


@pytest.fixture
def restorable(tmp_path: Path) -> Iterator[RestorableServers]:
    with restorable_servers(tmp_path) as running:
        yield running


@pytest.fixture
def extraction(
    restorable: RestorableServers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """The command, for the databases of `restorable`."""
    return CommandLine(restorable.settings, monkeypatch, capsys)


@pytest.fixture
def plane(pair: SchedulingDatabases) -> Iterator[ControlPlane]:
    """What an operator can do with `pair`, whose service is ready."""
    url, secret = pair.monolith.url, pair.monolith.secret
    with connected_control_plane(url, secret, lambda: pair, lambda database: None) as opened:
        yield opened
