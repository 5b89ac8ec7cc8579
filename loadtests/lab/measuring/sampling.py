"""What the servers of an arm have spent until now: processor time, time in the database, waits; by module."""

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

_LOOK_EVERY_SECONDS = 0.25
_SCHEDULING = "scheduling"


@dataclass(frozen=True)
class CostSample:
    """Milliseconds since the processes began, by process or by module."""

    cpu_ms: dict[str, float]
    web_cpu_ms: dict[str, float]
    db_ms: dict[str, float]
    pool_wait_ms: dict[str, float]


def sample_costs(arm: RunningArm, ground: LabServers, home: DatabasePlacement, copy: str) -> CostSample:
    """At one moment."""
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
    return CostSample(cpu, dict(web_cpu), _db_ms(ground, home, copy), dict(pool_wait))


def costs_between(before: CostSample, after: CostSample, lock_share: Mapping[str, float]) -> Costs:
    """What came in between."""
    return Costs(
        cpu_ms=_since(before.cpu_ms, after.cpu_ms),
        web_cpu_ms=_since(before.web_cpu_ms, after.web_cpu_ms),
        db_ms=_since(before.db_ms, after.db_ms),
        pool_wait_ms=_since(before.pool_wait_ms, after.pool_wait_ms),
        lock_share=dict(lock_share),
    )


@dataclass
class LockSampler:
    """Looks at the sessions of an arm's databases now and then: whose statements run, and whose wait for a lock."""

    active: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)

    def shares(self) -> dict[str, float]:
        return {module: self.waiting[module] / count for module, count in self.active.items() if count}


@contextmanager
def sampling_locks(ground: LabServers, home: DatabasePlacement, copy: str) -> Iterator[LockSampler]:
    """While the block lasts, from a thread of its own."""
    watch, over = LockSampler(), threading.Event()
    connections = [ground.administrator(server) for server in dict.fromkeys(home.values())]

    def run() -> None:
        while not over.wait(_LOOK_EVERY_SECONDS):
            for connection in connections:
                rows = connection.execute(
                    """
                    SELECT usename, wait_event_type = 'Lock' FROM pg_stat_activity
                     WHERE datname = ANY (%s) AND state = 'active'
                    """,
                    ([f"{copy}_{deployment}" for deployment in home],),
                ).fetchall()
                for role, waits in rows:
                    watch.active[module_of(str(role))] += 1
                    watch.waiting[module_of(str(role))] += bool(waits)

    thread = threading.Thread(target=run, name="lab-lock-watch")
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()
        for connection in connections:
            connection.close()


def module_of(role: str) -> str:
    """Every role belongs to one module: `billing_app` to billing."""
    return role.partition("_")[0]


def _db_ms(ground: LabServers, home: DatabasePlacement, copy: str) -> dict[str, float]:
    found = defaultdict[str, float](float)
    for server in dict.fromkeys(home.values()):
        with ground.administrator(server) as connection:
            for role, milliseconds in _statements(connection, [f"{copy}_{deployment}" for deployment in home]):
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


def _since(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: value - before.get(name, 0.0) for name, value in after.items() if value > before.get(name, 0.0)}
