"""first_copy_vs_copy: logical replication's initial copy, relative to plain COPY of the same rows and indexes."""

import time

import psycopg
from psycopg import sql

from loadtests.bench.figures import Figure, ratio_figure
from loadtests.bench.output import echo
from loadtests.generator.estimates import ratio
from loadtests.harness.bench_servers import BenchServers
from loadtests.harness.cutovers import cutover_databases
from monolith.cutover import replication

_TABLES = (
    "business", "offering", "provider", "provider_offering", "schedule", "weekly_hours", "date_override", "holiday",
    "resource", "block", "claim", "session", "appointment", "assignment", "waitlist", "history", "idempotency",
    "fence_mark",
)  # fmt: skip


def measure(servers: BenchServers, pairs: int) -> dict[str, Figure]:
    """Alternate between both ways, each into an empty target. Replication runs when this returns."""
    times = []
    for pair in range(pairs):
        first, second = (_copy_plainly, _replicate) if pair % 2 == 0 else (_replicate, _copy_plainly)
        taken = {}
        for way in (first, second):
            empty_target(servers)
            taken[way] = way(servers)
        times.append((1 / taken[_replicate], 1 / taken[_copy_plainly]))
        echo(f"initial copy {taken[_replicate]:.2f} s, plain COPY {taken[_copy_plainly]:.2f} s")
    empty_target(servers)
    _replicate(servers)
    return {"first_copy_vs_copy": ratio_figure(ratio(times))}


def empty_target(servers: BenchServers) -> None:
    """Stop replication and delete all rows of the target."""
    replication.stop(cutover_databases(servers).extraction)
    with psycopg.connect(servers.target("scheduling").url, autocommit=True) as target:
        target.execute(
            sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(sql.Identifier("scheduling", name) for name in _TABLES))
        )


def _replicate(servers: BenchServers) -> float:
    began = time.monotonic()
    replication.start(cutover_databases(servers).extraction, lambda progress: None)
    return time.monotonic() - began


def _copy_plainly(servers: BenchServers) -> float:
    """Copy table by table, with triggers off as in replication."""
    with (
        psycopg.connect(servers.target("monolith").url) as source,
        psycopg.connect(servers.target("scheduling").url, autocommit=True) as target,
    ):
        target.execute("SET session_replication_role = replica")
        began = time.monotonic()
        for name in _TABLES:
            table = sql.Identifier("scheduling", name)
            with (
                source.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(table)) as out,
                target.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(table)) as into,
            ):
                for block in out:
                    into.write(block)
        return time.monotonic() - began
