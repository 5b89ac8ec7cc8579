"""http_added_vs_hop: latency that the HTTP adapter adds to a slot search, in bare HTTP requests."""

import time
from collections.abc import Callable

import psycopg
import requests

from contracts.scheduling.values import DatabaseName
from deploy.devstack.ports import HOST
from deploy.errors import CommandError
from loadtests.bench.figures import Figure, ratio_figure
from loadtests.bench.floor_server import start_floor
from loadtests.bench.output import echo
from loadtests.bench.search import search_path
from loadtests.bench.timing import alternating_medians, search_call
from loadtests.generator.estimates import percentile, positive
from loadtests.harness.bench_servers import BenchServers, running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.tenants import OFFICE_HOURS, Tenant, open_tenant
from monolith.cutover.scheduling_flag import DATABASE_OF, AdapterName
from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.store import SCHEDULING_ADAPTER, FlagStore

ADAPTERS: tuple[AdapterName, ...] = ("in_process", "http")
FLAG_REFRESH_SECONDS = 2.0
WARM_UP = 200

Call = Callable[[], None]


def measure(cores: Cores, blocks: int, calls: int) -> dict[str, Figure]:
    """Search with one client, alternating between the adapters call by call; bare requests follow in each block.

    The bare request is sent from the servers' core, as the product's is: client and server share one core.
    """
    with running_bench_servers(cores) as servers:
        tenants = one_tenant_per_adapter(servers)
        bare = start_floor(servers, "constant_floor", {}, "/")
        searches = [search_call(tenant.port, "/api/v1" + search_path(tenant)) for tenant in tenants]
        hop = _bare_request(f"http://{HOST}:{bare.port}/")
        for call in (*searches, hop):
            alternating_medians([call], WARM_UP)
        medians = [_block(cores, searches, hop, calls) for _ in range(blocks)]
    typical = [percentile(column, 0.5) * 1000 for column in zip(*medians, strict=True)]
    for name, milliseconds in zip(("search, in process", "search, HTTP", "one bare request"), typical, strict=True):
        echo(f"{name:<24} {milliseconds:>7.2f} ms")
    ratios = [max(by_http - in_process, 1e-9) / one_hop for in_process, by_http, one_hop in medians]
    return {"http_added_vs_hop": ratio_figure(positive(ratios))}


def _block(cores: Cores, searches: list[Call], hop: Call, calls: int) -> list[float]:
    with cores.generating_load():
        medians = alternating_medians(searches, calls)
    with cores.starting_servers():
        return [*medians, *alternating_medians([hop], calls)]


def _bare_request(url: str) -> Call:
    session = requests.Session()

    def call() -> None:
        session.get(url, timeout=30).json()

    return call


def one_tenant_per_adapter(servers: BenchServers, providers: int = 1) -> list[Tenant]:
    """Start the product, and open a tenant on each adapter."""
    servers.start_databases("monolith", "scheduling")
    servers.start_scheduling()
    product = servers.start_monolith()
    tenants = []
    for adapter in ADAPTERS:
        set_adapter_flag(servers, adapter)
        tenants.append(open_tenant(product.port, providers, OFFICE_HOURS))
        _require_owner(servers, tenants[-1], DATABASE_OF[adapter])
    return tenants


def set_adapter_flag(servers: BenchServers, adapter: AdapterName) -> None:
    """Set the default adapter as `extraction flag set` does, and wait until every process has read it."""
    target = servers.target("monolith")
    database = ModuleDatabase(target.url, role="platform_app", secret=target.role_secret, pool_size=1)
    reason = "a business per adapter"
    FlagStore(database).set(SCHEDULING_ADAPTER, adapter, business_id=None, actor="bench", reason=reason)
    database.close()
    time.sleep(FLAG_REFRESH_SECONDS)


def _require_owner(servers: BenchServers, tenant: Tenant, owner: DatabaseName) -> None:
    with psycopg.connect(servers.target("monolith").url) as admin:
        query = "SELECT owner FROM cutover.ownership WHERE business_id = %s"
        row = admin.execute(query, (tenant.business_id,)).fetchone()
    if row is None or row[0] != owner:
        raise CommandError(f"the bench's business should be owned by {owner}; its owner is {row and row[0]}")
