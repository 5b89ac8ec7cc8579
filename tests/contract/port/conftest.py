"""One suite for every adapter: each test runs once per adapter, and no call may happen inside a transaction."""

from collections.abc import Iterator

import pytest

from tests.contract.port.adapters import NAMES, Adapter, running_adapters
from tests.contract.port.shop import Shop, open_shop
from tests.databases import fresh_databases
from tests.open_transactions import refuse_calls_inside_transactions
from tests.servers import Servers


@pytest.fixture(scope="session")
def adapters(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Adapter]]:
    """Adapters shared by the session; each test has its own business."""
    with (
        fresh_databases(servers) as databases,
        running_adapters(databases, tmp_path_factory.mktemp("adapters")) as adapters,
    ):
        yield adapters


@pytest.fixture(params=NAMES)
def adapter(request: pytest.FixtureRequest, adapters: dict[str, Adapter]) -> Adapter:
    return adapters[request.param]


@pytest.fixture
def shop(adapter: Adapter) -> Shop:
    return open_shop(adapter.port, adapter.new_business())


@pytest.fixture(autouse=True)
def _outside_transactions() -> Iterator[None]:
    with refuse_calls_inside_transactions():
        yield
