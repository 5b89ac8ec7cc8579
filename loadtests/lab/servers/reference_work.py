"""The speed of this machine relative to the one for which a scenario's rates were registered.

A scenario's budgets are shares of a processor core, and a core of one machine does several times the work of another's,
above all in short bursts. So the laboratory first measures what a bare application (`reference_app.py`) serves within
the budgets that M1 has. Rates of the scenario hold for the machine that served the registered number of requests, and
are scaled for others, before any arm is measured.

The busy neighbours of a virtual machine slow it for seconds at a time. So the laboratory first observes the machine
under the same load, and takes the speed of its slow moments as the base of all budgets (`steady_budgets.py`).
"""

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import Final, NamedTuple

from deploy.devstack.ports import HOST, free_port
from deploy.devstack.program import Program, http_check
from deploy.errors import CommandError
from loadtests.harness.cpu_budgets import CpuBudget, cpu_budgets
from loadtests.harness.raw_http import render_request
from loadtests.harness.saturation import saturate
from loadtests.harness.servers import running_pid
from loadtests.lab.planning.arms import BASELINE
from loadtests.lab.planning.scenario import RegisteredScenario
from loadtests.lab.servers import reference_app
from loadtests.lab.servers.lab_servers import LabServers
from loadtests.lab.servers.role_budgets import role_budgets
from loadtests.lab.servers.running_arm import postgres_role
from loadtests.lab.servers.speed_probe import SpeedProbe
from loadtests.lab.servers.steady_budgets import BudgetSpeed, observed_base
from loadtests.lab.servers.topologies import FRONT_WEB, TOPOLOGIES

OBSERVED_SECONDS: Final = 45.0
COUNTING: Final = 7
"""So many measurements must count; fewer do where the machine is slower than at first for so long."""
MOST_MEASUREMENTS: Final = 20
SECONDS: Final = 4.0
CONNECTIONS: Final = 8
"""As many as the application has threads."""
_DATABASE: Final = "reference"
_STEP: Final = 7919
"""A prime, so that consecutive requests are for rows of different groups."""


class ReferenceReading(NamedTuple):
    """Requests a second of the bare application, and how much slower than the base the machine was, as a share."""

    requests: float
    slowdown: float


class ReferenceWork(NamedTuple):
    """The median requests a second of the measurements that count, and the speed at which the budgets held.

    `measured` is the number of all measurements.
    """

    requests: float
    speed: BudgetSpeed
    counting: int
    measured: int


def measure_reference_work(
    servers: LabServers, scenario: RegisteredScenario, probe: SpeedProbe, most_difference: float
) -> ReferenceWork:
    """Return what the bare application serves within the budgets of M1. Half of its requests write.

    Measures until seven measurements count, at most twenty times. A measurement counts unless the machine was slower
    than at first by more than `most_difference`, a share. Requires processor budgets. Raises CommandError, also if none
    counts.
    """
    with _application_within_budgets(servers, scenario) as (port, budgets), servers.cores.generating_load():
        speed = _observe(port, probe)

        def measure() -> ReferenceReading:
            began, served = time.monotonic(), _saturate(port, SECONDS)
            return ReferenceReading(served, speed.slowdown(began, time.monotonic()))

        with speed.steady(budgets.values()):
            counting, measured = measure_until_enough_count(measure, most_difference)
    return ReferenceWork(median(counting), speed, len(counting), measured)


def measure_until_enough_count(
    measure: Callable[[], ReferenceReading], most_difference: float
) -> tuple[list[float], int]:
    """Return the requests a second of the measurements that count, and the number of all measurements.

    The rule is that of `measure_reference_work`. Raises CommandError if none counts.
    """
    counting: list[float] = []
    measured = 0
    while len(counting) < COUNTING and measured < MOST_MEASUREMENTS:
        reading = measure()
        if reading.slowdown <= most_difference:
            counting.append(reading.requests)
        measured += 1
    if not counting:
        raise CommandError("the machine became slower while the reference work was measured; run the laboratory again")
    return counting, measured


def _observe(port: int, probe: SpeedProbe) -> BudgetSpeed:
    """Return the base speed of the machine under load."""
    began = time.monotonic()
    _saturate(port, OBSERVED_SECONDS)
    speed = observed_base(probe, began, time.monotonic())
    if speed is None:
        raise CommandError("the speed probe has no readings: the servers' core is too busy for a laboratory")
    return speed


def _saturate(port: int, seconds: float) -> float:
    return saturate(port, _requests(port), connections=CONNECTIONS, seconds=seconds).throughput


@contextlib.contextmanager
def _application_within_budgets(
    servers: LabServers, scenario: RegisteredScenario
) -> Iterator[tuple[int, Mapping[str, CpuBudget]]]:
    """Run the application, warmed up, under the budgets of M1 within the block; provide its port and the budgets."""
    cores = role_budgets(BASELINE, TOPOLOGIES[BASELINE], scenario.budgets)
    database = postgres_role("main")
    with (
        _reference_database(servers),
        cpu_budgets({role: cores[role] for role in (FRONT_WEB, database)}, "reference-") as budgets,
        _running_application(servers) as (port, program),
    ):
        # The first requests open the connections.
        _saturate(port, 1.0)
        for role, pid in ((FRONT_WEB, running_pid(program)), (database, servers.postgres_pid("main"))):
            servers.cores.pin_servers([pid])
            budgets[role].add([pid])
        yield port, budgets


@contextlib.contextmanager
def _reference_database(servers: LabServers) -> Iterator[None]:
    with servers.administrator("main") as connection:
        connection.execute(f"CREATE DATABASE {_DATABASE}")
    try:
        with servers.administrator("main", _DATABASE) as connection:
            connection.execute(reference_app.TABLE)
            connection.execute(reference_app.FILL, reference_app.FILL_VALUES)
            connection.execute(reference_app.INDEX)
            connection.execute("ANALYZE reference")
        yield
    finally:
        with servers.administrator("main") as connection:
            connection.execute(f"DROP DATABASE {_DATABASE} WITH (FORCE)")


@contextlib.contextmanager
def _running_application(servers: LabServers) -> Iterator[tuple[int, Program]]:
    port = free_port()
    server = ["-m", "gunicorn", "--bind", f"{HOST}:{port}", "--worker-class", "gthread", "--threads", str(CONNECTIONS)]
    program = Program(
        "reference",
        [*server, "loadtests.lab.servers.reference_app:create_app()"],
        {"REFERENCE_DATABASE_URL": servers.postgres["main"].admin_url(_DATABASE)},
        log=servers.folder / "reference.log",
        is_ready=http_check(port, "/0"),
    )
    try:
        with servers.cores.starting_servers():
            program.start()
        yield port, program
    finally:
        program.stop()


def _requests(port: int) -> Iterator[bytes]:
    for number in itertools.count():
        row = number * _STEP % reference_app.ROWS
        yield render_request("POST" if number % 2 else "GET", f"/{row}", host=f"{HOST}:{port}", headers={})
