"""A real service on a replica of the monolith's database, and ports whose reads are shadowed there."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from openfeature import api as openfeature
from uuid_utils.compat import uuid7

from contracts.scheduling.port import SchedulingPort
from contracts.scheduling.values import DatabaseName
from deploy.devstack.keys import Keys
from monolith.cutover.routing import OwnershipRoutes
from monolith.cutover.scheduling_flag import SchedulingFlag, adapter_for
from monolith.cutover.shadow.comparison import ReadComparer
from monolith.cutover.shadow.sampling import ReadSampler
from monolith.cutover.shadow.shadow_flag import ShadowFlag
from monolith.cutover.shadow.shadow_reads import ShadowReads
from monolith.cutover.store.shadow_results import ShadowResultStore, ShadowSummary
from monolith.modules.scheduling.adapters.http import HttpScheduling
from monolith.modules.scheduling.adapters.in_process import in_process_scheduling
from monolith.modules.scheduling.adapters.switched import SwitchedScheduling
from monolith.modules.scheduling.adapters.tokens import signer_from
from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.provider import DatabaseFlags
from monolith.shared.flags.store import SCHEDULING_ADAPTER, SCHEDULING_SHADOW, FlagStore
from monolith.shared.telemetry.metrics import Metrics
from tests.contract.port.shop import Shop, open_shop
from tests.cutover.conftest import replicated, shared_databases
from tests.databases import Databases
from tests.faults.proxy import TcpProxy
from tests.faults.service import SchedulingWeb
from tests.polling import eventually
from tests.service_fixtures import keys

__all__ = ["keys", "replicated", "shared_databases"]


@dataclass
class Monolith:
    """The scheduling parts of one process of the monolith."""

    port: SwitchedScheduling
    reads: ShadowReads
    store: ShadowResultStore
    metrics: Metrics
    flags: FlagStore
    provider: DatabaseFlags

    def ask_for(self, key: str, value: str, business_id: UUID | None = None) -> None:
        self.flags.set(key, value, business_id=business_id, actor="tests", reason="")
        self.provider.refresh()

    def shop(self, owner: DatabaseName = "monolith", percent: float = 100.0) -> Shop:
        """Open a business owned by `owner`, and shadow `percent` of its reads."""
        business_id = uuid7()
        self.ask_for(SCHEDULING_ADAPTER, adapter_for(owner), business_id)
        shop = open_shop(self.port, business_id)
        self.ask_for(SCHEDULING_SHADOW, str(percent), business_id)
        return shop

    def found(self) -> dict[str, ShadowSummary]:
        """Wait until no comparison is in progress, and return the results by operation."""
        eventually(lambda: self.reads.idle, "all compared")
        self.reads.close()
        return {each.operation: each for each in self.store.since(60)}


Started = Callable[..., AbstractContextManager[Monolith]]


@pytest.fixture(scope="module")
def web(shared_databases: Databases, keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SchedulingWeb]:
    folder: Path = tmp_path_factory.mktemp("scheduling-web")
    with SchedulingWeb(shared_databases, keys, folder) as web:
        yield web
        web.kill_all()  # stopping in order waits for the connections that are kept alive


@pytest.fixture
def service(web: SchedulingWeb) -> Iterator[TcpProxy]:
    """The proxy between shadow reads and the service; users bypass it."""
    with TcpProxy("127.0.0.1", web.port) as proxy:
        yield proxy


@pytest.fixture
def monolith(
    shared_databases: Databases, replicated: object, keys: Keys, web: SchedulingWeb, service: TcpProxy
) -> Started:
    """Start a process with the options of `ShadowReads`, and with no earlier results."""
    with psycopg.connect(shared_databases.monolith_admin_url) as db:
        db.execute("DELETE FROM cutover.shadow_read")

    @contextmanager
    def started(*, platform_url: str | None = None, pause_seconds: float = 1.0, **options: Any) -> Iterator[Monolith]:
        ports = [ports_of(shared_databases, keys, url) for url in (web.url, service.url)]
        platform = ModuleDatabase(
            shared_databases.monolith_url, role="platform_app", secret=shared_databases.role_secret
        )
        cutover = ModuleDatabase(shared_databases.monolith_url, role="cutover_app", secret=shared_databases.role_secret)
        counts = ModuleDatabase(
            platform_url or shared_databases.monolith_url, role="cutover_app", secret=shared_databases.role_secret
        )
        flags = FlagStore(platform)
        provider = DatabaseFlags(flags)
        domain = uuid4().hex
        openfeature.set_provider_and_wait(provider, domain)
        client = openfeature.get_client(domain)
        store, metrics = ShadowResultStore(counts), Metrics()
        comparing = ReadComparer(ports[1], pause_seconds=pause_seconds)
        reads = ShadowReads(ReadSampler(ShadowFlag(client).percent_for).selects, comparing, store, metrics, **options)
        users = {name: reads.around(name, port) for name, port in ports[0].items()}
        routes = OwnershipRoutes(cutover, SchedulingFlag(client))
        yield Monolith(SwitchedScheduling(users, routes), reads, store, metrics, flags, provider)
        reads.close()
        for database in (platform, cutover, counts):
            database.close()

    return started


def ports_of(databases: Databases, keys: Keys, service_url: str) -> dict[DatabaseName, SchedulingPort]:
    return {
        "monolith": in_process_scheduling(databases.monolith_url, databases.role_secret, pool_size=4),
        "scheduling": HttpScheduling(service_url, signer_from(keys.signing_key), max_concurrent=8),
    }


@pytest.fixture
def vandal(shared_databases: Databases) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the service's database whose changes bypass triggers and are not replicated."""
    origin = f"vandal_{uuid4().hex}"
    with psycopg.connect(shared_databases.scheduling_admin_url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SELECT pg_replication_origin_create(%s)", (origin,))
        connection.execute("SELECT pg_replication_origin_session_setup(%s)", (origin,))
        yield connection
        connection.execute("SELECT pg_replication_origin_session_reset()")
        connection.execute("SELECT pg_replication_origin_drop(%s)", (origin,))
