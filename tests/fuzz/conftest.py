"""Both deployables, which the tests of a module send generated requests to."""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from deploy.devstack.keys import Keys
from tests.databases import Databases
from tests.faults.service import SchedulingWeb
from tests.fuzz.product import Product, running_product
from tests.service_fixtures import keys, service_databases

__all__ = ["keys", "service_databases"]

# `make fuzz` installs the coverage-guided fuzzer, where there is one.
collect_ignore = [] if find_spec("atheris") else ["test_guided.py"]


@pytest.fixture(scope="module")
def service(
    service_databases: Databases, keys: Keys, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SchedulingWeb]:
    with SchedulingWeb(service_databases, keys, tmp_path_factory.mktemp("service")) as service:
        yield service
        service.kill_all()  # a graceful stop would wait for idle connections


@pytest.fixture(scope="module")
def product(
    service_databases: Databases, keys: Keys, service: SchedulingWeb, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    with running_product(service_databases, keys, service, tmp_path_factory.mktemp("monolith")) as product:
        yield product
