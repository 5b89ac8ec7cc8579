"""The real service, and a client that can send invalid requests, which the adapter never does."""

from collections.abc import Iterator

import pytest
from uuid_utils.compat import uuid7

from deploy.devstack.keys import Keys
from monolith.modules.scheduling.adapters.http import HttpScheduling
from monolith.modules.scheduling.adapters.tokens import signer_from
from tests.contract.port.shop import Shop, open_shop
from tests.databases import Databases
from tests.faults.service import SchedulingWeb
from tests.integration.wire.client import RawClient
from tests.service_fixtures import keys, service_databases

__all__ = ["keys", "service_databases"]


@pytest.fixture(scope="module")
def web(service_databases: Databases, keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SchedulingWeb]:
    folder = tmp_path_factory.mktemp("scheduling-web")
    with SchedulingWeb(service_databases, keys, folder, PROMETHEUS_MULTIPROC_DIR=str(folder / "metrics")) as web:
        yield web
        web.kill_all()


@pytest.fixture(scope="module")
def shop(web: SchedulingWeb, keys: Keys) -> Iterator[Shop]:
    port = HttpScheduling(web.url, signer_from(keys.signing_key))
    yield open_shop(port, uuid7())
    port.close()


@pytest.fixture
def client(web: SchedulingWeb, keys: Keys, shop: Shop) -> Iterator[RawClient]:
    with RawClient(web.url, signer_from(keys.signing_key), shop.staff) as client:
        yield client
