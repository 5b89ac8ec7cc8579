"""Costs of a running arm by role and module: processor time, statements, waits for pools."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from loadtests.evidence.metrics_pages import scrape_page
from loadtests.harness.cpu_budgets import GroupUsage
from loadtests.harness.cpu_time import cpu_seconds
from loadtests.lab.measuring.subject import RoleReading, StatementReading
from loadtests.lab.servers.running_arm import RunningArm

_SCHEDULING = "scheduling"
_STATEMENTS = """
    SELECT r.rolname, sum(s.calls), sum(s.total_exec_time)
      FROM pg_stat_statements s
      JOIN pg_roles r ON r.oid = s.userid
      JOIN pg_database d ON d.oid = s.dbid
     WHERE d.datname = ANY (%s) AND NOT r.rolsuper GROUP BY 1
"""


@dataclass(frozen=True)
class PagesSample:
    """Milliseconds by module from the metrics pages, since the processes started."""

    web_cpu_ms: Mapping[str, float]
    pool_wait_ms: Mapping[str, float]


def sample_usage(arm: RunningArm) -> dict[str, GroupUsage]:
    """Return what each role has used.

    Without control groups, the time of processes that have ended is missing, and nothing is throttled.
    """
    if arm.budgets:
        return {role: budget.usage() for role, budget in arm.budgets.items()}
    return {
        role: GroupUsage(sum(cpu_seconds({str(pid): pid for pid in pids}).values()) * 1000, 0.0)
        for role, pids in arm.pids().items()
    }


def read_pages(arm: RunningArm) -> PagesSample:
    """Scrape the web processes, which takes them some tens of milliseconds of processor time."""
    web_cpu, pool_wait = defaultdict[str, float](float), defaultdict[str, float](float)
    for address in arm.metrics.values():
        for (name, pairs), value in scrape_page(address, arm.servers.keys.metrics_token):
            labels = dict(pairs)
            if name == "monolith_http_cpu_seconds_total":
                web_cpu[labels["module"]] += value * 1000
            elif name == "scheduling_http_cpu_seconds_total":
                web_cpu[_SCHEDULING] += value * 1000
            elif name == "monolith_pool_wait_seconds_sum":
                pool_wait[labels["module"]] += value * 1000
    return PagesSample(dict(web_cpu), dict(pool_wait))


def read_roles(
    arm: RunningArm,
    begin: Mapping[str, GroupUsage],
    end: Mapping[str, GroupUsage],
    done: Mapping[str, GroupUsage],
    seconds: float,
) -> dict[str, RoleReading]:
    """Return the readings by role: use of the budgets until the end of the load, processor time until all was done."""
    found = {}
    for role in done.keys() & begin.keys() & end.keys():
        budget = arm.budgets[role].cores if role in arm.budgets else None
        during, elapsed_ms = end[role].since(begin[role]), seconds * 1000
        found[role] = RoleReading(
            cpu_ms=done[role].since(begin[role]).cpu_ms,
            budget_cores=budget,
            used=during.cpu_ms / (elapsed_ms * budget) if budget else None,
            throttled=min(1.0, during.throttled_ms / elapsed_ms),
        )
    return {role: found[role] for role in done if role in found}


def at_base_speed(roles: Mapping[str, RoleReading], during: float, until_done: float) -> dict[str, RoleReading]:
    """Return the readings with processor time converted to the base speed of the budgets.

    `during` and `until_done` are the speeds of the machine, as multiples of the base, while the load lasted and until
    its follow-up work was done.
    """
    return {
        role: msgspec.structs.replace(
            reading,
            cpu_ms=reading.cpu_ms * until_done,
            used=None if reading.used is None else reading.used * during,
        )
        for role, reading in roles.items()
    }


def reset_statements(arm: RunningArm) -> None:
    """Forget all statements, so that the next reading covers what was executed since."""
    for server in arm.topology.servers:
        with arm.servers.administrator(server) as connection:
            connection.execute("SELECT pg_stat_statements_reset()")


def read_statements(arm: RunningArm, prefix: str) -> dict[str, StatementReading]:
    """Return the product's statements since the reset, by module."""
    databases = [f"{prefix}_{deployment}" for deployment in arm.topology.placement]
    calls, elapsed = defaultdict[str, int](int), defaultdict[str, float](float)
    for server in arm.topology.servers:
        with arm.servers.administrator(server) as connection:
            for role, count, milliseconds in connection.execute(_STATEMENTS, (databases,)).fetchall():
                module = module_of(str(role))
                calls[module] += int(str(count))
                elapsed[module] += float(str(milliseconds))
    return {module: StatementReading(calls=calls[module], elapsed_ms=elapsed[module]) for module in calls}


def module_of(role: str) -> str:
    """Return the module that a database role belongs to: `billing` for `billing_app`."""
    return role.partition("_")[0]


def difference(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: value - before.get(name, 0.0) for name, value in after.items() if value > before.get(name, 0.0)}
