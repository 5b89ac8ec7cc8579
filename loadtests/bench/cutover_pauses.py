"""Moves of one business under steady load: how long writes wait, what fails, what is lost."""

import json
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from contracts.chassis.credentials import without_credentials
from contracts.scheduling.values import DatabaseName
from deploy.devstack.ports import HOST
from deploy.errors import CommandError
from deploy.seed.business import SeededBusiness
from deploy.seed.plan import SeedPlan as Seeding
from deploy.seed.seeding import seed
from loadtests.bench.figures import Figure
from loadtests.bench.interleaving import CONNECTIONS
from loadtests.bench.output import echo
from loadtests.generator.estimates import percentile
from loadtests.harness.bench_servers import BenchServers
from loadtests.harness.cores import Cores
from loadtests.harness.saturation import render_request, saturate
from loadtests.harness.tenants import TenantClient
from loadtests.harness.traffic.ledger import LedgerReport, check_ledger
from loadtests.harness.traffic.open_loop import TrafficPlan, TrafficRecord, split_slots
from loadtests.harness.traffic.processes import running_traffic
from monolith.cutover.controller import Controller
from monolith.cutover.databases import SchedulingDatabase, SchedulingDatabases, other_database
from monolith.cutover.preflight import PreflightChecks
from monolith.cutover.store.cutovers import Cutover

APPOINTMENTS = 100_000
SHARE_OF_WRITES = 0.3
PROCESSES = 2
BETWEEN_SECONDS = 0.2
_PASSWORD = secrets.token_urlsafe(12)


class SeededTenant(NamedTuple):
    """One business with many appointments, its owner signed in, and free slots a minute of which nobody else knows."""

    business: SeededBusiness
    owner: TenantClient
    slots: list[tuple[str, str]]
    reads: list[str]

    @property
    def path(self) -> str:
        return f"/api/v1/businesses/{self.business.slug}"

    def part(self, number: int) -> list[tuple[str, str]]:
        """A third of the slots: each measurement leaves some booked."""
        return self.slots[number::3]


class WritePause(NamedTuple):
    """When nobody could write, in seconds since 1970."""

    begins: float
    ends: float


def cutover_databases(servers: BenchServers) -> SchedulingDatabases:
    return SchedulingDatabases(
        SchedulingDatabase(
            "monolith", without_credentials(servers.target("monolith").url), servers.keys.monolith_role_secret
        ),
        SchedulingDatabase(
            "scheduling", without_credentials(servers.target("scheduling").url), servers.keys.scheduling_role_secret
        ),
    )


def seed_business(servers: BenchServers, appointments: int) -> SeededBusiness:
    """One business, in the monolith's database."""
    today = datetime.now(UTC).date()
    week = today - timedelta(days=today.weekday())
    plan = Seeding(1, appointments, seed=1, side="in_process", week=date(week.year, week.month, week.day))
    target = servers.target("monolith")
    seed(plan, target, target, password=_PASSWORD, say=lambda line: None)
    return SeededBusiness(plan, 0)


def open_seeded_tenant(port: int, business: SeededBusiness, password: str = _PASSWORD) -> SeededTenant:
    owner = TenantClient(port)
    owner.ask("POST", "/login", {"email": business.plan.owner_email(business.index), "password": password})
    service, start = business.services[0], datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    slots, reads = [], []
    for number, worker in enumerate(business.workers[:20]):
        first = start + timedelta(days=1)
        window = f"start={first:%Y-%m-%dT%H:%M:%SZ}&end={first + timedelta(days=60):%Y-%m-%dT%H:%M:%SZ}"
        query = f"/slots?offering_id={service.offering_id}&provider_id={worker.provider_id}&"
        found = owner.ask("GET", f"/businesses/{business.slug}{query}{window}")["slots"]
        slots += [(slot["provider_id"], slot["starts_at"]) for slot in _apart(found)]
        day = start + timedelta(days=3 + number)
        reads.append(f"{query}start={day:%Y-%m-%dT%H:%M:%SZ}&end={day + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}")
    return SeededTenant(business, owner, slots, reads)


def _apart(slots: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """None overlaps another: thirty minutes each, on the full or half hour."""
    return [slot for slot in slots if slot["starts_at"][14:16] in ("00", "30")]


def measure_capacity(port: int, tenant: SeededTenant, seconds: float) -> float:
    """Requests a second of the traffic's mix, as far as reads and bookings alone tell."""
    host, reads = f"{HOST}:{port}", [f"{tenant.path}{read}" for read in tenant.reads]
    read = saturate(
        port,
        cycle([render_request("GET", path, host=host, headers={}) for path in reads]),
        connections=CONNECTIONS,
        seconds=seconds,
    ).throughput
    bookings = []
    for number, (provider_id, starts_at) in enumerate(tenant.part(0)):
        body = {"offering_id": str(tenant.business.services[0].offering_id), "provider_id": provider_id}
        body |= {"starts_at": starts_at, "customer_id": str(tenant.business.plan.id_of("capacity"))}
        headers = {"Idempotency-Key": f"capacity-{port}-{time.time_ns()}-{number}", **tenant.owner.cookie}
        bookings.append(
            render_request(
                "POST",
                f"{tenant.path}/appointments",
                host=host,
                headers=headers,
                body=json.dumps(body).encode(),
            )
        )
    write = saturate(port, cycle(bookings), connections=CONNECTIONS, seconds=seconds).throughput
    return 1 / (SHARE_OF_WRITES / write + (1 - SHARE_OF_WRITES) / read)


def traffic_plans(
    port: int,
    tenant: SeededTenant,
    rate: float,
    slots: Sequence[tuple[str, str]],
    processes: int = PROCESSES,
) -> list[TrafficPlan]:
    tag = secrets.token_hex(4)
    return [
        TrafficPlan(
            host=HOST,
            port=port,
            path=tenant.path,
            headers=tenant.owner.cookie,
            offering_id=str(tenant.business.services[0].offering_id),
            slots=some,
            reads=tenant.reads,
            rate=rate / processes,
            share_of_writes=SHARE_OF_WRITES,
            name=f"traffic {tag} {number}",
            seed=number,
        )
        for number, some in enumerate(split_slots(slots, processes))
    ]


def move_back_and_forth(
    servers: BenchServers, cores: Cores, port: int, tenant: SeededTenant, *, each_way: int, rate: float
) -> tuple[list[Cutover], list[TrafficRecord], LedgerReport]:
    """Move it there and back `each_way` times while people use it. Raises CommandError when a move is refused."""
    sides = cutover_databases(servers)
    moves: list[Cutover] = []
    business_id, owner = tenant.business.business_id, owner_of(sides, tenant)
    plans = traffic_plans(port, tenant, rate, tenant.part(2))
    with Controller(sides, PreflightChecks(sides, lambda side: None)) as controller:
        with cores.for_generator(), running_traffic(plans, servers.folder / "traffic", warm_up=2.0) as traffic:
            for _ in range(2 * each_way):
                to = other_database(owner)
                move = controller.cut_over(
                    business_id, owner, to, fence_seconds=2.0, actor="bench", reason="to measure"
                )
                if move.state != "active":
                    raise CommandError(f"a move to {to} was refused: {move.problem}")
                moves.append(move)
                owner = to
                time.sleep(BETWEEN_SECONDS)
        with sides.at(owner).connect() as db:
            verdict = check_ledger(traffic.records, db, business_id, [plan.name for plan in plans])
    return moves, traffic.records, verdict


def owner_of(sides: SchedulingDatabases, tenant: SeededTenant) -> DatabaseName:
    with sides.platform() as platform:
        row = platform.execute(
            "SELECT owner FROM platform.ownership WHERE business_id = %s", (tenant.business.business_id,)
        ).fetchone()
    assert row is not None, "the business was seeded"
    owner: DatabaseName = row[0]
    return owner


def pause_of(move: Cutover) -> WritePause:
    at = {step["state"]: datetime.fromisoformat(step["at"]).timestamp() for step in move.steps}
    return WritePause(at["fenced"], at["active"])


def stalls(
    records: Sequence[TrafficRecord], pauses: Sequence[WritePause]
) -> tuple[list[float], list[float], list[float], list[float]]:
    """Milliseconds beyond the usual: of the writes that met a pause, of the reads that did; and the usual latencies of
    writes and reads that met none."""
    found: tuple[list[float], list[float], list[float], list[float]] = ([], [], [], [])
    place = 0
    for record in sorted(records, key=lambda each: each.at):
        while place < len(pauses) and pauses[place].ends < record.at:
            place += 1
        met = place < len(pauses) and record.at + record.ms / 1000 >= pauses[place].begins
        found[(0 if met else 2) + (record.kind == "read")].append(record.ms)
    usual_write, usual_read = (percentile(each, 0.5) if each else 0.0 for each in found[2:])
    return (
        [max(0.0, ms - usual_write) for ms in found[0]],
        [max(0.0, ms - usual_read) for ms in found[1]],
        found[2],
        found[3],
    )


def summarize_moves(
    moves: Sequence[Cutover], records: Sequence[TrafficRecord], verdict: LedgerReport
) -> dict[str, Figure]:
    pauses = [pause_of(move) for move in moves]
    write, read, usual_write, usual_read = stalls(records, pauses)
    echo(f"{'moves':<28} {len(moves)}; {verdict.requests:,} requests, {verdict.writes:,} of them writes")
    echo(f"{'answers':<28} {dict(Counter((record.kind, record.status) for record in records))}")
    for part, state in (("fence_ms", "drained"), ("drain_ms", "drained"), ("verify_ms", "verified")):
        echo(f"{part:<28} {format_percentiles([_found(move, state, part) for move in moves])}")
    for name, values in (
        ("pause", [(pause.ends - pause.begins) * 1000 for pause in pauses]),
        ("write stall", write),
        ("read stall", read),
        ("writes otherwise", usual_write),
        ("reads otherwise", usual_read),
    ):
        echo(f"{name:<28} {format_percentiles(values)}")
    n = len(write)
    return {
        "pause_median_ms": _of([(pause.ends - pause.begins) * 1000 for pause in pauses], 0.5),
        "write_stall_p99_ms": _of(write, 0.99),
        "write_stall_max_ms": Figure(max(write, default=0.0), "ms", n, 0.0, max(write, default=0.0)),
        "read_stall_p99_ms": _of(read, 0.99),
        "reads_otherwise_p99_ms": _of(usual_read, 0.99),
        "failed_requests": _count(verdict.failed, verdict.requests),
        "lost": _count(len(verdict.lost), verdict.writes),
        "duplicated": _count(len(verdict.duplicated), verdict.writes),
        "unasked": _count(len(verdict.unasked), verdict.writes),
    }


def _found(move: Cutover, state: str, part: str) -> float:
    return float(next(step["found"][part] for step in move.steps if step["state"] == state))


def format_percentiles(values: Sequence[float]) -> str:
    if not values:
        return "none"
    ordered = list(values)
    told = ", ".join(f"{name} {percentile(ordered, share):.1f}" for name, share in _SHARES)
    return f"{told}, max {max(ordered):.1f} ms (n = {len(ordered):,})"


_SHARES = (("median", 0.5), ("p95", 0.95), ("p99", 0.99))


def _of(values: Sequence[float], share: float) -> Figure:
    found = list(values) or [0.0]
    return Figure(percentile(found, share), "ms", len(values), min(found), max(found))


def _count(value: int, n: int) -> Figure:
    return Figure(float(value), "count", n, float(value), float(value))


ARTIFACT = Path(".artifacts/bench-cutover.json")
