"""Moves of one business under steady load: the delay of writes and reads, failed requests and lost results."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from itertools import cycle, islice

from deploy.devstack.ports import HOST
from loadtests.bench.figures import Figure
from loadtests.bench.interleaving import CONNECTIONS
from loadtests.bench.output import echo
from loadtests.generator.estimates import percentile
from loadtests.harness.bench_servers import BenchServers
from loadtests.harness.cores import Cores
from loadtests.harness.cutovers import (
    WritePause,
    cut_over_to_other,
    cutover_databases,
    owner_of,
    pause_of,
    unguarded_controller,
)
from loadtests.harness.raw_http import render_request
from loadtests.harness.saturation import saturate
from loadtests.harness.tenants import SeededTenant
from loadtests.harness.traffic.ledger import LedgerReport, check_ledger, succeeded
from loadtests.harness.traffic.open_loop import TrafficRecord
from loadtests.harness.traffic.processes import SHARE_OF_WRITES, running_traffic, traffic_plans
from monolith.cutover.store.cutovers import Cutover

BETWEEN_SECONDS = 0.2
MOST_LISTED = 20
_SHARES = (("median", 0.5), ("p95", 0.95), ("p99", 0.99))


def measure_capacity(port: int, tenant: SeededTenant, seconds: float) -> float:
    """Estimate the capacity for the traffic's mix, in requests a second, from reads and bookings alone."""
    host, reads = f"{HOST}:{port}", [f"{tenant.path}{read}" for read in tenant.reads]
    rendered = cycle([render_request("GET", path, host=host, headers={}) for path in reads])
    read = saturate(port, rendered, connections=CONNECTIONS, seconds=seconds).throughput
    bookings = []
    for number, (provider_id, starts_at) in enumerate(tenant.slots_for(0)):
        body = {"offering_id": str(tenant.business.services[0].offering_id), "provider_id": provider_id}
        body |= {"starts_at": starts_at, "customer_id": str(tenant.business.owner_id)}
        headers = {"Idempotency-Key": f"capacity-{port}-{time.time_ns()}-{number}", **tenant.owner.headers}
        path = f"{tenant.path}/appointments"
        bookings.append(render_request("POST", path, host=host, headers=headers, body=json.dumps(body).encode()))
    write = saturate(port, cycle(bookings), connections=CONNECTIONS, seconds=seconds).throughput
    return 1 / (SHARE_OF_WRITES / write + (1 - SHARE_OF_WRITES) / read)


def cut_over_repeatedly(
    servers: BenchServers, cores: Cores, port: int, tenant: SeededTenant, *, each_way: int, rate: float
) -> tuple[list[Cutover], list[TrafficRecord], LedgerReport]:
    """Move the tenant `each_way` times in each direction under traffic. Raises CommandError when a cutover fails."""
    databases = cutover_databases(servers)
    cutovers: list[Cutover] = []
    business_id = tenant.business.business_id
    owner = owner_of(databases, business_id)
    plans = traffic_plans(port, tenant, rate, tenant.slots_for(2))
    with unguarded_controller(databases) as controller:
        with cores.generating_load(), running_traffic(plans, servers.folder / "traffic", warm_up=2.0) as traffic:
            for _ in range(2 * each_way):
                cutovers.append(
                    cut_over_to_other(
                        controller, business_id, owner, fence_seconds=2.0, actor="bench", reason="to measure"
                    )
                )
                owner = cutovers[-1].target
                time.sleep(BETWEEN_SECONDS)
        with databases.at(owner).connect() as db:
            report = check_ledger(traffic.records, db, business_id, [plan.name for plan in plans])
    return cutovers, traffic.records, report


def stalls(
    records: Sequence[TrafficRecord], pauses: Sequence[WritePause]
) -> tuple[list[float], list[float], list[float], list[float]]:
    """Separate requests that overlap a pause from the others.

    Returns milliseconds: for writes and for reads that overlap a pause, the latency above the median of those that do
    not; then the latencies of the writes and of the reads that do not.
    """
    found: tuple[list[float], list[float], list[float], list[float]] = ([], [], [], [])
    index = 0
    for record in sorted(records, key=lambda each: each.at):
        while index < len(pauses) and pauses[index].ends < record.at:
            index += 1
        overlaps = index < len(pauses) and record.at + record.ms / 1000 >= pauses[index].begins
        found[(0 if overlaps else 2) + (record.kind == "read")].append(record.ms)
    usual_write, usual_read = (percentile(each, 0.5) if each else 0.0 for each in found[2:])
    return (
        [max(0.0, ms - usual_write) for ms in found[0]],
        [max(0.0, ms - usual_read) for ms in found[1]],
        found[2],
        found[3],
    )


def describe_failures(records: Sequence[TrafficRecord], pauses: Sequence[WritePause]) -> list[str]:
    """Describe the first requests that failed, each with the pause that began nearest to its start."""
    described = []
    for record in islice((record for record in records if not succeeded(record)), MOST_LISTED):
        since = min((record.at - pause.begins for pause in pauses), key=abs)
        described.append(
            f"{record.kind} failed after {record.ms:.0f} ms with {record.status} {record.problem},"
            f" due {abs(since):.2f} s {'before' if since < 0 else 'after'} a pause began"
        )
    return described


def summarize_cutovers(
    cutovers: Sequence[Cutover], records: Sequence[TrafficRecord], report: LedgerReport
) -> dict[str, Figure]:
    """Print the distributions, and return the figures."""
    pauses = [pause_of(cutover) for cutover in cutovers]
    write, read, usual_write, usual_read = stalls(records, pauses)
    pause_ms = [pause.milliseconds for pause in pauses]
    echo(f"{'cutovers':<28} {len(cutovers)}; {report.requests:,} requests, {report.writes:,} of them writes")
    echo(f"{'responses':<28} {dict(Counter((record.kind, record.status) for record in records))}")
    for problem in describe_failures(records, pauses):
        echo(f"! {problem}")
    for part, state in (("fence_ms", "drained"), ("drain_ms", "drained"), ("verify_ms", "verified")):
        echo(f"{part:<28} {format_percentiles([_step_ms(cutover, state, part) for cutover in cutovers])}")
    for name, values in (
        ("pause", pause_ms),
        ("write stall", write),
        ("read stall", read),
        ("writes outside a pause", usual_write),
        ("reads outside a pause", usual_read),
    ):
        echo(f"{name:<28} {format_percentiles(values)}")
    n = len(write)
    return {
        "pause_median_ms": _percentile_figure(pause_ms, 0.5),
        "write_stall_p99_ms": _percentile_figure(write, 0.99),
        "write_stall_max_ms": Figure(max(write, default=0.0), "ms", n, 0.0, max(write, default=0.0)),
        "writes_otherwise_p99_by_median": _tail_figure(usual_write),
        "read_stall_p99_ms": _percentile_figure(read, 0.99),
        "reads_otherwise_p99_ms": _percentile_figure(usual_read, 0.99),
        "failed_requests": _count_figure(report.failed, report.requests),
        "lost": _count_figure(len(report.lost), report.writes),
        "duplicated": _count_figure(len(report.duplicated), report.writes),
        "unasked": _count_figure(len(report.unasked), report.writes),
    }


def _step_ms(cutover: Cutover, state: str, part: str) -> float:
    return float(next(step["found"][part] for step in cutover.steps if step["state"] == state))


def format_percentiles(values: Sequence[float]) -> str:
    """Return median, p95, p99, maximum and count of milliseconds."""
    if not values:
        return "none"
    ordered = list(values)
    listed = ", ".join(f"{name} {percentile(ordered, share):.1f}" for name, share in _SHARES)
    return f"{listed}, max {max(ordered):.1f} ms (n = {len(ordered):,})"


def _percentile_figure(values: Sequence[float], share: float) -> Figure:
    found = list(values) or [0.0]
    return Figure(percentile(found, share), "ms", len(values), min(found), max(found))


def _tail_figure(values: Sequence[float]) -> Figure:
    """Return p99 relative to the median."""
    found = list(values) or [1.0]
    median = percentile(found, 0.5)
    return Figure(percentile(found, 0.99) / median, "ratio", len(values), min(found) / median, max(found) / median)


def _count_figure(value: int, n: int) -> Figure:
    return Figure(float(value), "count", n, float(value), float(value))
