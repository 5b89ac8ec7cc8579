"""Costs of a running arm by process and module: processor time, time of statements, waits for pools and locks."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from loadtests.evidence.metrics_pages import scrape_page
from loadtests.harness.cpu_time import cpu_seconds
from loadtests.lab.results.model import Costs
from loadtests.lab.servers.lab_servers import DatabasePlacement, LabServers
from loadtests.lab.servers.topologies import RunningArm

_LOCK_SAMPLE_SECONDS = 0.25
_SCHEDULING = "scheduling"


@dataclass(frozen=True)
class CostSample:
    """Milliseconds since the processes started, by process or by module."""

    cpu_ms: dict[str, float]
    web_cpu_ms: dict[str, float]
    db_ms: dict[str, float]
    pool_wait_ms: dict[str, float]


def sample_costs(arm: RunningArm, servers: LabServers, placement: DatabasePlacement, copy: str) -> CostSample:
    cpu = {name: seconds * 1000 for name, seconds in cpu_seconds(arm.pids).items()}
    web_cpu, pool_wait = defaultdict[str, float](float), defaultdict[str, float](float)
    for address in arm.metrics.values():
        for (name, pairs), value in scrape_page(address, arm.metrics_token):
            labels = dict(pairs)
            if name == "monolith_http_cpu_seconds_total":
                web_cpu[labels["module"]] += value * 1000
            elif name == "scheduling_http_cpu_seconds_total":
                web_cpu[_SCHEDULING] += value * 1000
            elif name == "monolith_pool_wait_seconds_sum":
                pool_wait[labels["module"]] += value * 1000
    return CostSample(cpu, dict(web_cpu), _statement_ms(servers, placement, copy), dict(pool_wait))


def costs_between(before: CostSample, after: CostSample, lock_share: Mapping[str, float]) -> Costs:
    return Costs(
        cpu_ms=_difference(before.cpu_ms, after.cpu_ms),
        web_cpu_ms=_difference(before.web_cpu_ms, after.web_cpu_ms),
        db_ms=_difference(before.db_ms, after.db_ms),
        pool_wait_ms=_difference(before.pool_wait_ms, after.pool_wait_ms),
        lock_share=dict(lock_share),
    )


@dataclass
class LockSampler:
    """Counts of active database sessions, and of those that waited for a lock, over all samples, by module."""

    active: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)

    def shares(self) -> dict[str, float]:
        """Return the share of waiting sessions by module."""
        return {module: self.waiting[module] / count for module, count in self.active.items() if count}


@contextmanager
def sampling_locks(servers: LabServers, placement: DatabasePlacement, copy: str) -> Iterator[LockSampler]:
    """Sample pg_stat_activity from a background thread within the block."""
    sampler, over = LockSampler(), threading.Event()
    connections = [servers.administrator(server) for server in dict.fromkeys(placement.values())]

    def run() -> None:
        while not over.wait(_LOCK_SAMPLE_SECONDS):
            for connection in connections:
                rows = connection.execute(
                    """
                    SELECT usename, wait_event_type = 'Lock' FROM pg_stat_activity
                     WHERE datname = ANY (%s) AND state = 'active'
                    """,
                    ([f"{copy}_{deployment}" for deployment in placement],),
                ).fetchall()
                for role, waits in rows:
                    sampler.active[module_of(str(role))] += 1
                    sampler.waiting[module_of(str(role))] += bool(waits)

    thread = threading.Thread(target=run, name="lab-lock-sampler")
    thread.start()
    try:
        yield sampler
    finally:
        over.set()
        thread.join()
        for connection in connections:
            connection.close()


def module_of(role: str) -> str:
    """Return the module that a database role belongs to: `billing` for `billing_app`."""
    return role.partition("_")[0]


def _statement_ms(servers: LabServers, placement: DatabasePlacement, copy: str) -> dict[str, float]:
    found = defaultdict[str, float](float)
    for server in dict.fromkeys(placement.values()):
        with servers.administrator(server) as connection:
            for role, milliseconds in _statements(connection, [f"{copy}_{deployment}" for deployment in placement]):
                found[module_of(role)] += milliseconds
    return dict(found)


def _statements(connection: psycopg.Connection[tuple[object, ...]], databases: list[str]) -> list[tuple[str, float]]:
    rows = connection.execute(
        """
        SELECT r.rolname, sum(s.total_exec_time)
          FROM pg_stat_statements s
          JOIN pg_roles r ON r.oid = s.userid
          JOIN pg_database d ON d.oid = s.dbid
         WHERE d.datname = ANY (%s) GROUP BY 1
        """,
        (databases,),
    ).fetchall()
    return [(str(role), float(str(milliseconds))) for role, milliseconds in rows]


def _difference(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: value - before.get(name, 0.0) for name, value in after.items() if value > before.get(name, 0.0)}
