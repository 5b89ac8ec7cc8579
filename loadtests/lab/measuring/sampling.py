"""Costs of a running arm by process and module: processor time, time of statements, waits for pools."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

from loadtests.evidence.metrics_pages import scrape_page
from loadtests.harness.cpu_time import cpu_seconds
from loadtests.lab.servers.lab_servers import DatabasePlacement, LabServers
from loadtests.lab.servers.topologies import RunningArm

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


def difference(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: value - before.get(name, 0.0) for name, value in after.items() if value > before.get(name, 0.0)}
