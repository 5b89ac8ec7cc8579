"""The servers and tenants of the story, their traffic, and the ledger of each tenant."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from contracts.scheduling.values import DatabaseName
from loadtests.harness.bench_servers import BenchServers, running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.cutovers import cutover_databases
from loadtests.harness.tenants import SeededTenant, open_seeded_tenant, seed_businesses
from loadtests.harness.traffic.ledger import LedgerReport, check_ledger
from loadtests.harness.traffic.open_loop import TrafficPlan
from loadtests.harness.traffic.processes import Traffic, running_traffic, traffic_plans
from monolith.cutover.databases import SchedulingDatabases

BUSINESSES = 3
APPOINTMENTS = 6_000


class StoryTraffic(NamedTuple):
    """The traffic of all tenants, and the plans of each."""

    traffic: Traffic
    plans: list[list[TrafficPlan]]


@dataclass
class StoryTenants:
    servers: BenchServers
    databases: SchedulingDatabases
    tenants: list[SeededTenant]
    port: int

    @contextmanager
    def under_load(self, rate: float) -> Iterator[StoryTraffic]:
        """Send `rate` requests a second within the block, the same share to each tenant."""
        share = rate / len(self.tenants)
        plans = [traffic_plans(self.port, each, share, each.slots, processes=1) for each in self.tenants]
        every_plan = [plan for of_one in plans for plan in of_one]
        with running_traffic(every_plan, self.servers.folder / "traffic") as traffic:
            yield StoryTraffic(traffic, plans)

    def check_ledgers(self, load: StoryTraffic, owners: dict[str, DatabaseName]) -> list[LedgerReport]:
        """Check each tenant's traffic in the database that owns it; `owners` is by slug."""
        reports = []
        for each, plans in zip(self.tenants, load.plans, strict=True):
            names = [plan.name for plan in plans]
            records = [record for record in load.traffic.records if record.name in names]
            with self.databases.at(owners[each.business.slug]).connect() as db:
                reports.append(check_ledger(records, db, each.business.business_id, names))
        return reports


@contextmanager
def running_story_tenants() -> Iterator[StoryTenants]:
    """Start both databases, the monolith and the service, with seeded businesses owned by the monolith."""
    with running_bench_servers(Cores(None, None)) as servers:
        servers.start_databases("monolith", "scheduling")
        businesses = seed_businesses(servers, BUSINESSES, APPOINTMENTS, seed_number=7)
        servers.start_scheduling(WEB_WORKERS="2")
        port = servers.start_monolith(WEB_WORKERS="2").port
        tenants = [open_seeded_tenant(port, business) for business in businesses]
        yield StoryTenants(servers, cutover_databases(servers), tenants, port)
