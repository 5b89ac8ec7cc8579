from collections.abc import Iterator

import pytest

from tests.contract.port.shop import Shop
from tests.databases import Databases, fresh_databases
from tests.integration.engine.workbench import Workbench, workbench_on
from tests.servers import Servers


@pytest.fixture(scope="session")
def bench(servers: Servers) -> Iterator[Workbench]:
    """A workbench shared by all tests, each with its own business. Requires that no deadlock occurred."""
    with fresh_databases(servers) as databases, workbench_on(databases, pool_timeout=8.0) as bench:
        yield bench
        assert bench.deadlocks() == 0


@pytest.fixture
def shop(bench: Workbench) -> Shop:
    return bench.shop()


@pytest.fixture
def own_bench(databases: Databases) -> Iterator[Workbench]:
    """A workbench for a test that changes the database itself."""
    with workbench_on(databases, pool_size=8) as bench:
        yield bench


@pytest.fixture
def own_shop(own_bench: Workbench) -> Shop:
    return own_bench.shop()
