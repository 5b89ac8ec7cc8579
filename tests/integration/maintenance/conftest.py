"""Fixtures of the maintenance tests."""

from collections.abc import Iterator

import pytest

from tests.contract.port.shop import Shop
from tests.databases import Databases
from tests.integration.engine.workbench import Workbench, workbench_on


@pytest.fixture
def bench(databases: Databases) -> Iterator[Workbench]:
    with workbench_on(databases, pool_size=4) as bench:
        yield bench


@pytest.fixture
def shop(bench: Workbench) -> Shop:
    return bench.shop()
