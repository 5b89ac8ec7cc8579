"""The product's arms on this machine's servers, as the rest of the laboratory sees them."""

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import CommandError
from loadtests.harness.cpu_budgets import reason_unavailable
from loadtests.lab.measuring.measurement import COPY, LoadHistory, MeasuredArm, database_time, measure_loads
from loadtests.lab.measuring.subject import Load, Reading
from loadtests.lab.measuring.warm_up import warm_up
from loadtests.lab.planning.arms import sort_arms
from loadtests.lab.planning.scenario import RegisteredScenario
from loadtests.lab.servers.database_templates import PreparedArm
from loadtests.lab.servers.lab_servers import LabServers
from loadtests.lab.servers.role_budgets import reason_not_side_by_side, require_equal_totals, role_budgets
from loadtests.lab.servers.running_arm import running_arm
from loadtests.lab.servers.steady_budgets import BudgetSpeed


@dataclass(frozen=True)
class Side:
    """Servers for one arm at a time, with the prepared databases of every arm."""

    servers: LabServers
    prepared: Mapping[str, PreparedArm]


@dataclass(frozen=True)
class ProductRig:
    """Starts each arm on copies of its prepared databases; two side by side where there are two sides.

    Budgets follow the machine's speed where there is a base for it.
    """

    sides: Sequence[Side]
    scenario: RegisteredScenario
    speed: BudgetSpeed

    def arms(self) -> Sequence[str]:
        return sort_arms(self.sides[0].prepared)

    def reason_not_paired(self, one: str, other: str) -> str | None:
        if len(self.sides) < 2:
            return reason_not_paired(self.scenario) or "the laboratory has servers for one arm at a time"
        return None

    def cores_of(self, arm: str) -> dict[str, float]:
        """Return the arm's budgets by role. Raises CommandError if they do not fit into the total."""
        return role_budgets(arm, self.sides[0].prepared[arm].topology, self.scenario.budgets)

    @contextlib.contextmanager
    def running(self, *arms: str) -> "Iterator[RunningProductArms]":
        """Run one arm, or two side by side, within the block.

        Raises CommandError, also for two arms with different totals.
        """
        if len(arms) > len(self.sides):
            raise CommandError(f"{' and '.join(arms)} cannot run side by side")
        budgeted = reason_unavailable() is None
        require_equal_totals({arm: self.cores_of(arm) for arm in arms})
        with contextlib.ExitStack() as stack:
            yield RunningProductArms(
                [
                    stack.enter_context(self._run(arm, side, self.cores_of(arm) if budgeted else None))
                    for arm, side in zip(arms, itertools.islice(self.sides, len(arms)), strict=True)
                ]
            )

    @contextlib.contextmanager
    def _run(self, arm: str, side: Side, cores: Mapping[str, float] | None) -> Iterator[MeasuredArm]:
        prepared, servers = side.prepared[arm], side.servers
        topology = prepared.topology
        with (
            servers.database_copies(topology.placement, topology.template, COPY),
            servers.running_replica() if topology.replica else contextlib.nullcontext(),
            running_arm(topology, servers, COPY, cores) as running,
        ):
            history = LoadHistory(database_time(servers, topology))
            measured = MeasuredArm(arm, running, prepared.businesses, history, self.speed)
            warm_up(measured, self.scenario)
            with self.speed.steady(running.budgets.values()):
                yield measured


def reason_not_paired(scenario: RegisteredScenario) -> str | None:
    """Return why no two arms of this scenario can run side by side on this machine, or None if they can."""
    return reason_unavailable() or reason_not_side_by_side(scenario)


@dataclass(frozen=True)
class RunningProductArms:
    """One arm, or two side by side."""

    arms: Sequence[MeasuredArm]

    def play(self, loads: Mapping[str, Load], folders: Mapping[str, Path]) -> dict[str, Reading]:
        """As in `RunningArms.play`; arms without a load stay idle."""
        return measure_loads([arm for arm in self.arms if arm.name in loads], loads, folders)
