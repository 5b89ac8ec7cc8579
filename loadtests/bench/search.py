"""Throughput of searches through the whole monolith, relative to one indexed query through bare Flask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, product
from typing import Any
from urllib.parse import urlencode

from deploy.devstack.ports import HOST
from deploy.errors import CommandError
from loadtests.bench.figures import Figure, ratio_figure
from loadtests.bench.floor_server import start_floor
from loadtests.bench.interleaving import BlockPlan, Contender, compare_throughput
from loadtests.bench.output import echo
from loadtests.bench.sql_recording import record_statements
from loadtests.harness.bench_servers import BenchServers, RunningWeb, running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.raw_http import render_request
from loadtests.harness.tenants import OFFICE_HOURS, Tenant, open_tenant

DAY = datetime(2035, 5, 9, tzinfo=UTC)
MONTH = 31
PROVIDERS = 10
BOOKINGS = 50
# Every other half hour of the office hours is booked, also on the days before and after.
BOOKED = [DAY + timedelta(days=day, hours=9 + hour) for day, hour in product(range(-3, 4), range(8))][:BOOKINGS]


@dataclass(frozen=True, slots=True)
class SearchCase:
    """One measured search: its request, and the number of slots (or of days with free slots) it must return."""

    figure: str
    description: str
    providers: int
    path: Callable[[Tenant], str]
    answer: Callable[[Mapping[str, Any]], int]
    expected: int


def _slots(answer: Mapping[str, Any]) -> int:
    return len(answer["slots"])


def _days_with_free_slots(answer: Mapping[str, Any]) -> int:
    return sum(day["has_room"] for day in answer["days"])


def search_path(tenant: Tenant) -> str:
    """Return the path of a search for one day of one provider."""
    return _slots_path(tenant, days=1, provider_id=tenant.providers[0])


def _slots_path(tenant: Tenant, *, days: int, **filters: str) -> str:
    query = {
        "offering_id": tenant.offering_id,
        **filters,
        "start": DAY.isoformat(),
        "end": (DAY + timedelta(days=days)).isoformat(),
    }
    return f"{tenant.path}/slots?{urlencode(query)}"


def _overview_path(tenant: Tenant) -> str:
    query = {"offering_id": tenant.offering_id, "first": DAY.date().isoformat(), "days": MONTH}
    return f"{tenant.path}/overview?{urlencode(query)}"


_BOOKED_THAT_DAY = sum(at.date() == DAY.date() for at in BOOKED)
_BOOKED_SINCE = sum(at >= DAY for at in BOOKED)
SEARCHES = (
    SearchCase("search_vs_floor", "one provider, one day", 1, search_path, _slots, 16 - _BOOKED_THAT_DAY),
    SearchCase(
        "any10_day_vs_floor",
        "any of ten, one day",
        PROVIDERS,
        lambda tenant: _slots_path(tenant, days=1),
        _slots,
        16 * PROVIDERS - _BOOKED_THAT_DAY,
    ),
    SearchCase(
        "month_vs_floor",
        "one provider, one month",
        1,
        lambda tenant: _slots_path(tenant, days=MONTH, provider_id=tenant.providers[0]),
        _slots,
        16 * MONTH - _BOOKED_SINCE,
    ),
    SearchCase(
        "overview10_vs_floor", "any of ten, days of a month", PROVIDERS, _overview_path, _days_with_free_slots, MONTH
    ),
)


def measure(cores: Cores, plan: BlockPlan) -> dict[str, Figure]:
    """Search in process, with 50 bookings around the day. Every search must send the same number of queries."""
    figures: dict[str, Figure] = {}
    with running_bench_servers(cores) as servers:
        servers.start_databases("monolith")
        product = servers.start_monolith()
        tenants = {count: open_tenant(product.port, count, OFFICE_HOURS) for count in (1, PROVIDERS)}
        booked = [_book_slots(tenant) for tenant in tenants.values()]
        floor = _floor(servers, tenants[1], booked[0])
        _require_constant_queries(servers, tenants)
        for search in SEARCHES:
            tenant = tenants[search.providers]
            _require_correct_answer(search, tenant)
            outcome = compare_throughput(_subject(servers, product, search, tenant), floor, plan, cores)
            for line in outcome.lines(search.description, "one query, bare Flask"):
                echo(line)
            figures[search.figure] = ratio_figure(outcome.ratio)
    return figures


def _book_slots(tenant: Tenant) -> list[str]:
    customer = tenant.register_customer()
    return [tenant.book(customer, tenant.providers[0], at)["appointment_id"] for at in BOOKED]


def _require_correct_answer(search: SearchCase, tenant: Tenant) -> None:
    """Check the number of results before the search is measured."""
    found = search.answer(tenant.owner.call("GET", search.path(tenant)))
    if found != search.expected:
        raise CommandError(f"{search.description}: found {found} results, expected {search.expected}")


def _require_constant_queries(servers: BenchServers, tenants: Mapping[int, Tenant]) -> None:
    """Check in the server's log that, with warm caches, each search sends one query to the scheduling schema."""

    def request(search: SearchCase) -> Callable[[], object]:
        return lambda: tenants[search.providers].owner.call("GET", search.path(tenants[search.providers]))

    calls = [request(search) for search in SEARCHES]
    for call in calls:
        call()
    found = record_statements(
        servers.postgres["monolith"].admin_url(), servers.statements("monolith"), [*calls, *calls]
    )
    counts = {
        search.description: sum(statement.role == "scheduling_app" for statement in statements)
        for search, statements in zip(SEARCHES, found[len(calls) :], strict=True)
    }
    if set(counts.values()) != {1}:
        raise CommandError(f"each search should send one query, regardless of days and providers; found: {counts}")
    echo(f"{'queries of a search':<24} 1, regardless of days and providers")


def _subject(servers: BenchServers, product: RunningWeb, search: SearchCase, tenant: Tenant) -> Contender:
    request = render_request("GET", "/api/v1" + search.path(tenant), host=f"{HOST}:{product.port}", headers={})
    return Contender(search.description, product.port, cycle([request]), 200, _processes(servers, product))


def _floor(servers: BenchServers, tenant: Tenant, appointments: list[str]) -> Contender:
    paths = [f"/businesses/{tenant.business_id}/appointments/{appointment_id}" for appointment_id in appointments]
    web = start_floor(servers, "search_floor", {"database_url": servers.target("monolith").url}, paths[0])
    requests = [render_request("GET", path, host=f"{HOST}:{web.port}", headers={}) for path in paths]
    return Contender("the floor", web.port, cycle(requests), 200, _processes(servers, web))


def _processes(servers: BenchServers, web: RunningWeb) -> dict[str, int]:
    return {"web": web.pid, "Postgres": servers.postgres_pid("monolith")}
