"""The warm-up of an arm that has just started: connections, prepared statements and caches, without its budgets."""

import tempfile
from pathlib import Path
from typing import Final

import msgspec

from loadtests.lab.measuring.generator_process import read_run_files, running_generator, workload_of
from loadtests.lab.measuring.measurement import COPY, DRAIN_SECONDS, MeasuredArm, begin_together
from loadtests.lab.measuring.subject import Load
from loadtests.lab.planning.scenario import RegisteredScenario
from loadtests.lab.servers.follow_up import wait_for_follow_up

RATE: Final = 200.0
SECONDS: Final = 3.0
"""More than an arm sustains on a core, so that every thread opens its connections."""


def warm_up(arm: MeasuredArm, scenario: RegisteredScenario) -> None:
    """Send a burst without budgets, and wait until the work that it caused is done. Raises CommandError.

    Under its budget a database would need many seconds to accept the connections of all threads, and an arm that
    starts near its capacity would not catch up with them. The rows belong to the arm's history.
    """
    steady = msgspec.structs.replace(scenario.load, shape="steady")
    burst = Load(
        scenario=msgspec.structs.replace(scenario, load=steady),
        rate=RATE,
        seconds=SECONDS,
        seed=0,
        warm_up_seconds=0.0,
    )
    with arm.running.without_budgets(), tempfile.TemporaryDirectory(prefix="warm-up-") as folder:
        workload = workload_of(burst, arm.running.hosts, arm.businesses)
        with running_generator(workload, Path(folder), arm.servers.cores) as generator:
            begin_together([generator])
            generator.wait_for_start()
            generator.wait_for_end()
        rows, _ = read_run_files(Path(folder))
        arm.history.rows += rows
        wait_for_follow_up(arm.servers, arm.topology, COPY, seconds=DRAIN_SECONDS, since=arm.history.since)
