"""http_added_vs_hop: what a business pays for being owned by the extracted service, in bare hops over HTTP."""

import http.client
import time
from collections.abc import Callable

import psycopg
import requests

from contracts.scheduling.values import DatabaseName
from deploy.devstack.ports import HOST
from deploy.errors import CommandError
from loadtests.bench.figures import Figure, ratio_figure
from loadtests.bench.output import echo
from loadtests.bench.search import search_path
from loadtests.generator.estimates import percentile, positive
from loadtests.harness.bench_servers import BenchServers, running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.tenants import OFFICE_HOURS, Tenant, open_tenant
from monolith.shared.database import Database
from monolith.shared.flags.scheduling_flag import DATABASE_OF, AdapterName
from monolith.shared.flags.store import SCHEDULING_ADAPTER, FlagStore

ADAPTERS: tuple[AdapterName, ...] = ("in_process", "http")
SEEN_SECONDS = 2.0
WARM_UP = 200

Ask = Callable[[], None]


def measure(cores: Cores, blocks: int, calls: int) -> dict[str, Figure]:
    """One client, one call at a time: the two topologies alternate call by call, and the hop follows in each block.

    The hop is made from the core that the servers share, because that is where the product makes it: there, as here,
    client and server take turns on one core.
    """
    with running_bench_servers(cores) as servers:
        tenants = _one_shop_on_each_side(servers)
        bare = servers.start_floor("constant_floor", {}, "/")
        asks = [_search(tenant) for tenant in tenants]
        hop = _hop(f"http://{HOST}:{bare.port}/")
        for ask in (*asks, hop):
            _medians([ask], WARM_UP)
        medians = [_block(cores, asks, hop, calls) for _ in range(blocks)]
    typical = [percentile(column, 0.5) * 1000 for column in zip(*medians, strict=True)]
    for name, milliseconds in zip(("search in process", "search by http", "one bare hop"), typical, strict=True):
        echo(f"{name:<24} {milliseconds:>7.2f} ms")
    ratios = [max(by_http - in_process, 1e-9) / one_hop for in_process, by_http, one_hop in medians]
    return {"http_added_vs_hop": ratio_figure(positive(ratios))}


def _block(cores: Cores, asks: list[Ask], hop: Ask, calls: int) -> list[float]:
    with cores.for_generator():
        searches = _medians(asks, calls)
    with cores.for_servers():
        return [*searches, *_medians([hop], calls)]


def _medians(asks: list[Ask], calls: int) -> list[float]:
    """Of each, in seconds; they take turns."""
    took: list[list[float]] = [[] for _ in asks]
    for _ in range(calls):
        for ask, times in zip(asks, took, strict=True):
            began = time.perf_counter()
            ask()
            times.append(time.perf_counter() - began)
    return [percentile(times, 0.5) for times in took]


def _search(tenant: Tenant) -> Ask:
    connection = http.client.HTTPConnection(HOST, tenant.port, timeout=30)
    path = "/api/v1" + search_path(tenant)

    def ask() -> None:
        connection.request("GET", path)
        answer = connection.getresponse()
        if not (answer.read() and answer.status == http.HTTPStatus.OK):
            raise CommandError(f"slot search was answered {answer.status} while it was measured")

    return ask


def _hop(url: str) -> Ask:
    session = requests.Session()

    def ask() -> None:
        session.get(url, timeout=30).json()

    return ask


def _one_shop_on_each_side(servers: BenchServers) -> list[Tenant]:
    servers.start_databases("monolith", "scheduling")
    servers.start_scheduling()
    product = servers.start_monolith()
    tenants = []
    for side in ADAPTERS:
        _ask_for(servers, side)
        tenants.append(open_tenant(product.port, 1, OFFICE_HOURS))
        _require_owner(servers, tenants[-1], DATABASE_OF[side])
    return tenants


def _ask_for(servers: BenchServers, side: str) -> None:
    """What `extraction flag set` does; every process has seen it by the time this returns."""
    target = servers.target("monolith")
    database = Database(target.url, role="platform_app", secret=target.role_secret, pool_size=1)
    FlagStore(database).set(SCHEDULING_ADAPTER, side, business_id=None, actor="bench", reason="a business on each side")
    database.close()
    time.sleep(SEEN_SECONDS)


def _require_owner(servers: BenchServers, tenant: Tenant, owner: DatabaseName) -> None:
    with psycopg.connect(servers.target("monolith").url) as admin:
        query = "SELECT owner FROM platform.ownership WHERE business_id = %s"
        row = admin.execute(query, (tenant.business_id,)).fetchone()
    if row is None or row[0] != owner:
        raise CommandError(f"the bench's business should be owned by {owner}, and is owned by {row and row[0]}")
