"""The town of the story: the product on servers of its own, and a few businesses that people use all the time."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from deploy.seed.business import Business
from deploy.seed.plan import Plan as Seeding
from deploy.seed.seeding import seed
from loadtests.bench.cutover_pauses import Salon, salon, sides_of, traffic_plans
from loadtests.harness.bench_servers import Stand, stand
from loadtests.harness.cores import Cores
from loadtests.harness.traffic.ledger import Verdict, judge
from loadtests.harness.traffic.open_loop import Plan
from loadtests.harness.traffic.processes import Traffic, running_traffic
from monolith.cutover.sides import Sides

BUSINESSES = 3
APPOINTMENTS = 6_000
PASSWORD = secrets.token_urlsafe(12)


@dataclass
class Town:
    servers: Stand
    sides: Sides
    salons: list[Salon]
    port: int

    @contextmanager
    def in_use(self, rate: float) -> Iterator[tuple[Traffic, list[list[Plan]]]]:
        """Everybody's customers at once, `rate` requests a second in all; the plans by business."""
        share = rate / len(self.salons)
        plans = [traffic_plans(self.port, each, share, each.slots, processes=1) for each in self.salons]
        flat = [plan for of_one in plans for plan in of_one]
        with running_traffic(flat, self.servers.folder / "traffic") as traffic:
            yield traffic, plans

    def verdicts(self, traffic: Traffic, plans: list[list[Plan]], owners: dict[str, str]) -> list[Verdict]:
        """The ledger of each business, against the database that owns it."""
        found = []
        for each, of_one in zip(self.salons, plans, strict=True):
            names = [plan.name for plan in of_one]
            records = [record for record in traffic.records if record.name in names]
            with self.sides.at(owners[each.business.slug]).connect() as db:  # type: ignore[arg-type]
                found.append(judge(records, db, each.business.business_id, names))
        return found


@contextmanager
def town() -> Iterator[Town]:
    with stand(Cores(None, None)) as servers:
        servers.start_databases("monolith", "scheduling")
        today = datetime.now(UTC).date()
        monday = today - timedelta(days=today.weekday())
        plan = Seeding(BUSINESSES, APPOINTMENTS, seed=7, side="in_process", week=monday)
        target = servers.target("monolith")
        seed(plan, target, target, password=PASSWORD, say=lambda line: None)
        servers.start_scheduling(WEB_WORKERS="2")
        port = servers.start_monolith(WEB_WORKERS="2").port
        salons = [salon(port, Business(plan, index), PASSWORD) for index in range(BUSINESSES)]
        yield Town(servers, sides_of(servers), salons, port)
