"""A server whose kernel acknowledges, but that does not reply: frozen, or behind a network that loses its packets."""

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from monolith.shared.database import CommitUnknown, DatabaseUnavailable, ModuleDatabase
from monolith.shared.database import bounded_connection as bounded
from monolith.shared.database import database as module
from tests.databases import Databases
from tests.faults.proxy import TcpProxy


@pytest.fixture
def proxy(databases: Databases) -> Iterator[TcpProxy]:
    with TcpProxy.before(databases.monolith_url) as proxy:
        yield proxy


@pytest.fixture
def database(databases: Databases, proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleDatabase]:
    monkeypatch.setattr(bounded, "STATEMENT_SECONDS", 1.0)
    monkeypatch.setattr(module, "FIRST_REPLY_SECONDS", 0.5)
    url = proxy.url_through(databases.monolith_url)
    database = ModuleDatabase(url, role="auth_app", secret=databases.role_secret, pool_size=2)
    yield database
    database.close()


def read(database: ModuleDatabase) -> object:
    return database.read_value("SELECT 1", {})


def begin(database: ModuleDatabase) -> object:
    with database.transaction() as connection:
        return connection.execute(text("SELECT 1")).scalar()


def query(database: ModuleDatabase) -> object:
    return database.query(lambda connection: connection.execute(text("SELECT 1")).scalar())


@pytest.mark.parametrize("use", [read, begin, query])
def test_silent_server_is_unreachable_in_time(
    use: Callable[[ModuleDatabase], object], database: ModuleDatabase, proxy: TcpProxy
) -> None:
    assert use(database) == 1
    with proxy.half_open():
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(DatabaseUnavailable):
                use(database)
            assert time.monotonic() - began < 8, "a statement or BEGIN, and one attempt to connect"
    assert use(database) == 1


def test_silence_at_commit_leaves_the_outcome_unknown(database: ModuleDatabase, proxy: TcpProxy) -> None:
    with contextlib.ExitStack() as silence:

        def commit_in_silence() -> None:
            with database.transaction() as connection:
                connection.execute(text("SELECT 1"))
                silence.enter_context(proxy.half_open())

        with pytest.raises(CommitUnknown):
            commit_in_silence()
    assert begin(database) == 1
