"""A real service with a separate database, shared by the tests of a module; each test opens its own business."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.devstack.keys import Keys
from monolith.modules.scheduling.adapters.http import HttpScheduling
from monolith.modules.scheduling.adapters.tokens import signer_from
from tests.databases import Databases
from tests.faults.proxy import TcpProxy
from tests.faults.service import SchedulingWeb
from tests.service_fixtures import keys, service_databases

__all__ = ["keys", "service_databases"]


@pytest.fixture(scope="module")
def web(service_databases: Databases, keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SchedulingWeb]:
    folder: Path = tmp_path_factory.mktemp("scheduling-web")
    with SchedulingWeb(service_databases, keys, folder) as web:
        yield web
        web.kill_all()  # a graceful stop would wait for idle connections


@pytest.fixture
def proxy(web: SchedulingWeb) -> Iterator[TcpProxy]:
    with TcpProxy("127.0.0.1", web.port) as proxy:
        yield proxy


@pytest.fixture
def direct(web: SchedulingWeb, keys: Keys) -> Iterator[HttpScheduling]:
    """An adapter without the proxy, for set-up and for checking the actual outcome."""
    port = HttpScheduling(web.url, signer_from(keys.signing_key))
    yield port
    port.close()


@pytest.fixture
def proxied(proxy: TcpProxy, keys: Keys) -> Iterator[HttpScheduling]:
    port = HttpScheduling(proxy.url, signer_from(keys.signing_key))
    yield port
    port.close()
