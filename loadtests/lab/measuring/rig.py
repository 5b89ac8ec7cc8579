"""The product's arms on this machine's servers, as the rest of the laboratory sees them."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import CommandError
from loadtests.lab.measuring.measurement import COPY, LoadHistory, database_time, measure_load
from loadtests.lab.measuring.subject import Load, Reading
from loadtests.lab.planning.arms import sort_arms
from loadtests.lab.servers.database_templates import PreparedArm
from loadtests.lab.servers.lab_servers import LabServers
from loadtests.lab.servers.topologies import RunningArm, running_arm


@dataclass(frozen=True)
class ProductRig:
    """Starts each arm on copies of its prepared databases."""

    servers: LabServers
    prepared: Mapping[str, PreparedArm]

    def arms(self) -> Sequence[str]:
        return sort_arms(self.prepared)

    def reason_not_paired(self, one: str, other: str) -> str | None:
        return "both would share the servers' processor core"

    @contextlib.contextmanager
    def running(self, *arms: str) -> "Iterator[_RunningProductArm]":
        """Run one arm within the block."""
        if len(arms) != 1:
            raise CommandError(f"{' and '.join(arms)} cannot run side by side")
        prepared = self.prepared[arms[0]]
        topology = prepared.topology
        with (
            self.servers.database_copies(topology.placement, topology.template, COPY),
            running_arm(topology, self.servers, COPY) as arm,
        ):
            history = LoadHistory(database_time(self.servers, topology))
            yield _RunningProductArm(self.servers, prepared, arm, history)


@dataclass(frozen=True)
class _RunningProductArm:
    servers: LabServers
    prepared: PreparedArm
    arm: RunningArm
    history: LoadHistory

    def play(self, loads: Mapping[str, Load], folders: Mapping[str, Path]) -> dict[str, Reading]:
        return {
            name: measure_load(load, self.servers, self.arm, self.prepared, folders[name], self.history)
            for name, load in loads.items()
        }
