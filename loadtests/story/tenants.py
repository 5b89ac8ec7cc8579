"""The town of the story: the product on servers of its own, and a few businesses that people use all the time."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from deploy.seed.business import SeededBusiness
from deploy.seed.plan import SeedPlan as Seeding
from deploy.seed.seeding import seed
from loadtests.bench.cutover_pauses import SeededTenant, cutover_databases, open_seeded_tenant, traffic_plans
from loadtests.harness.bench_servers import BenchServers, running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.traffic.ledger import LedgerReport, check_ledger
from loadtests.harness.traffic.open_loop import TrafficPlan
from loadtests.harness.traffic.processes import Traffic, running_traffic
from monolith.cutover.databases import SchedulingDatabases

BUSINESSES = 3
APPOINTMENTS = 6_000
PASSWORD = secrets.token_urlsafe(12)


@dataclass
class StoryTenants:
    servers: BenchServers
    sides: SchedulingDatabases
    tenants: list[SeededTenant]
    port: int

    @contextmanager
    def in_use(self, rate: float) -> Iterator[tuple[Traffic, list[list[TrafficPlan]]]]:
        """Everybody's customers at once, `rate` requests a second in all; the plans by business."""
        share = rate / len(self.tenants)
        plans = [traffic_plans(self.port, each, share, each.slots, processes=1) for each in self.tenants]
        flat = [plan for of_one in plans for plan in of_one]
        with running_traffic(flat, self.servers.folder / "traffic") as traffic:
            yield traffic, plans

    def verdicts(self, traffic: Traffic, plans: list[list[TrafficPlan]], owners: dict[str, str]) -> list[LedgerReport]:
        """The ledger of each business, against the database that owns it."""
        found = []
        for each, of_one in zip(self.tenants, plans, strict=True):
            names = [plan.name for plan in of_one]
            records = [record for record in traffic.records if record.name in names]
            with self.sides.at(owners[each.business.slug]).connect() as db:  # type: ignore[arg-type]
                found.append(check_ledger(records, db, each.business.business_id, names))
        return found


@contextmanager
def running_story_tenants() -> Iterator[StoryTenants]:
    with running_bench_servers(Cores(None, None)) as servers:
        servers.start_databases("monolith", "scheduling")
        today = datetime.now(UTC).date()
        monday = today - timedelta(days=today.weekday())
        plan = Seeding(BUSINESSES, APPOINTMENTS, seed=7, side="in_process", week=monday)
        target = servers.target("monolith")
        seed(plan, target, target, password=PASSWORD, say=lambda line: None)
        servers.start_scheduling(WEB_WORKERS="2")
        port = servers.start_monolith(WEB_WORKERS="2").port
        tenants = [open_seeded_tenant(port, SeededBusiness(plan, index), PASSWORD) for index in range(BUSINESSES)]
        yield StoryTenants(servers, cutover_databases(servers), tenants, port)
