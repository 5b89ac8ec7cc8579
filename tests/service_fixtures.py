"""Fixtures for suites that start a real scheduling service; their `conftest.py` imports them by name."""

from collections.abc import Iterator

import pytest

from deploy.devstack.keys import Keys, load_keys
from tests.databases import Databases, fresh_databases
from tests.servers import Servers


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return load_keys(tmp_path_factory.mktemp("keys") / "keys.json")


@pytest.fixture(scope="module")
def service_databases(servers: Servers) -> Iterator[Databases]:
    with fresh_databases(servers) as databases:
        yield databases
