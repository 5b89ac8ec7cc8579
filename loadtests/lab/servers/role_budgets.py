"""The processor budget of each role of an arm: equal totals, divided differently."""

from collections.abc import Mapping
from typing import Final

from deploy.errors import CommandError
from loadtests.lab.planning.scenario import UNIT_CORES, RegisteredScenario, ScenarioBudgets
from loadtests.lab.servers.topologies import Topology

RELAY_SHARE: Final = 0.2
"""Share of the worker's budget that the service's relay gets: in the other arms, the worker relays events too."""
MOST_CORES: Final = 0.95
"""What arms side by side may use of the servers' core; the speed probe and the kernel have the remainder."""


def role_budgets(arm: str, topology: Topology, budgets: ScenarioBudgets) -> dict[str, float]:
    """Return the cores of each role. The web processes share what the other roles leave of the total.

    Raises CommandError if less than a unit for each web role is left.
    """
    worker = float(budgets.worker * topology.worker_budgets)
    database = float(budgets.database * topology.database_budgets)
    units = {f"postgres-{server}": database for server in topology.servers}
    units |= {"worker": worker, "valkey": float(budgets.valkey)}
    if topology.service:
        units |= {"worker": worker * (1 - RELAY_SHARE), "relay": worker * RELAY_SHARE}
    web = topology.web_shares
    left = budgets.total - sum(units.values())
    if left < len(web):
        raise CommandError(
            f"{arm} cannot run within {budgets.total} units of processor time: its databases, worker and Valkey use "
            f"{sum(units.values()):g}, which leaves less than one for each of its {len(web)} web roles"
        )
    units |= {role: left * share for role, share in web.items()}
    return {role: each * UNIT_CORES for role, each in units.items()}


def require_equal_totals(arms: Mapping[str, Mapping[str, float]]) -> None:
    """Raise CommandError if arms, with their cores by role, have different totals."""
    totals = {arm: round(sum(cores.values()) / UNIT_CORES, 6) for arm, cores in arms.items()}
    if len(set(totals.values())) > 1:
        found = ", ".join(f"{arm} has {total:g}" for arm, total in totals.items())
        raise CommandError(f"arms with different budgets are not comparable: {found} units of processor time")


def reason_not_side_by_side(scenario: RegisteredScenario) -> str | None:
    """Return why two arms do not fit on the servers' core at the same time, or None if they do."""
    both = 2 * scenario.budgets.total * UNIT_CORES
    if both <= MOST_CORES:
        return None
    return f"both would need {both:.0%} of the servers' processor core"
