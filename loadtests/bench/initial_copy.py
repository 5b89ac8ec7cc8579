"""first_copy_vs_copy: replication's first copy against plain COPY of the same rows into the same indexed tables."""

import time

import psycopg
from psycopg import sql

from loadtests.bench.cutover_pauses import cutover_databases
from loadtests.bench.figures import Figure, ratio_figure
from loadtests.bench.output import echo
from loadtests.generator.estimates import ratio
from loadtests.harness.bench_servers import BenchServers
from monolith.cutover import replication

_TABLES = (
    "business", "offering", "provider", "provider_offering", "schedule", "weekly_hours", "date_override", "holiday",
    "resource", "block", "claim", "session", "appointment", "assignment", "waitlist", "history", "idempotency",
    "fence_mark",
)  # fmt: skip


def measure(servers: BenchServers, pairs: int) -> dict[str, Figure]:
    """In turns, into an empty target each time. Replication runs when this returns."""
    times = []
    for pair in range(pairs):
        first, second = (_plain, _replicated) if pair % 2 == 0 else (_replicated, _plain)
        taken = {}
        for way in (first, second):
            empty(servers)
            taken[way] = way(servers)
        times.append((1 / taken[_replicated], 1 / taken[_plain]))
        echo(f"first copy {taken[_replicated]:.2f} s, plain COPY {taken[_plain]:.2f} s")
    empty(servers)
    _replicated(servers)
    return {"first_copy_vs_copy": ratio_figure(ratio(times))}


def empty(servers: BenchServers) -> None:
    """Nothing is replicated, and the target holds nothing."""
    replication.stop(cutover_databases(servers))
    with psycopg.connect(servers.target("scheduling").url, autocommit=True) as target:
        target.execute(
            sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(sql.Identifier("scheduling", name) for name in _TABLES))
        )


def _replicated(servers: BenchServers) -> float:
    began = time.monotonic()
    replication.start(cutover_databases(servers), lambda progress: None)
    return time.monotonic() - began


def _plain(servers: BenchServers) -> float:
    """One table after the other, triggers silent as they are for replication."""
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
