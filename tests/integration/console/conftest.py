"""One console for all tests of this folder that a worker runs. No web process of the product runs."""

from collections.abc import Iterator

import pytest

from tests.console_process import ConsoleSite, running_console
from tests.databases import Databases, fresh_databases
from tests.faults.proxy import TcpProxy
from tests.servers import Servers


@pytest.fixture(scope="session")
def monolith_proxy(own_databases: Databases) -> Iterator[TcpProxy]:
    """The way from the console to the monolith's database."""
    with TcpProxy.before(own_databases.monolith_url) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def scheduling_proxy(own_databases: Databases) -> Iterator[TcpProxy]:
    """The way from the console to the scheduling database."""
    with TcpProxy.before(own_databases.scheduling_url) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def own_databases(servers: Servers) -> Iterator[Databases]:
    with fresh_databases(servers) as databases:
        yield databases


@pytest.fixture(scope="session")
def console(
    own_databases: Databases,
    monolith_proxy: TcpProxy,
    scheduling_proxy: TcpProxy,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ConsoleSite]:
    with running_console(
        own_databases,
        tmp_path_factory.mktemp("console"),
        MONOLITH_DATABASE_URL=monolith_proxy.url_through(own_databases.monolith_url),
        SCHEDULING_DATABASE_URL=scheduling_proxy.url_through(own_databases.scheduling_url),
    ) as console:
        yield console
