"""The speed of this machine relative to the one for which a scenario's rates were registered.

A scenario's budgets are shares of a processor core, and a core of one machine does several times the work of another's,
above all in short bursts. So the laboratory first measures what a bare application (`reference_app.py`) serves within
the budgets that M1 has. Rates of the scenario hold for the machine that served the registered number of requests, and
are scaled for others, before any arm is measured.

The busy neighbours of a virtual machine slow it for seconds at a time. Measurements during which the speed probe read
otherwise than in the undisturbed ones do not count.
"""

import contextlib
import itertools
import time
from collections.abc import Iterator, Sequence
from statistics import median, median_high
from typing import Final, NamedTuple

from deploy.devstack.ports import HOST, free_port
from deploy.devstack.program import Program, http_check
from loadtests.harness.cpu_budgets import cpu_budgets
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
from loadtests.lab.servers.topologies import FRONT_WEB, TOPOLOGIES

COUNTING: Final = 7
"""So many measurements must count; fewer do where the machine is never undisturbed for so long."""
MOST_MEASUREMENTS: Final = 20
SECONDS: Final = 4.0
CONNECTIONS: Final = 8
"""As many as the application has threads."""
_DATABASE: Final = "reference"
_STEP: Final = 7919
"""A prime, so that consecutive requests are for rows of different groups."""


class ReferenceReading(NamedTuple):
    """Requests a second of the bare application, and the speed of the machine meanwhile; None without a reading."""

    requests: float
    probe: float | None


class ReferenceWork(NamedTuple):
    """The medians of the measurements that count. `measured` is the number of all measurements."""

    requests: float
    probe: float | None
    counting: int
    measured: int


def measure_reference_work(
    servers: LabServers, scenario: RegisteredScenario, probe: SpeedProbe, most_difference: float
) -> ReferenceWork:
    """Return what the bare application serves within the budgets of M1. Half of its requests write.

    Measures until seven measurements count (see `undisturbed`), at most twenty times. Requires processor budgets.
    Raises CommandError.
    """
    readings: list[ReferenceReading] = []
    counting: list[ReferenceReading] = []
    with _application_within_budgets(servers, scenario) as port, servers.cores.generating_load():
        while len(counting) < COUNTING and len(readings) < MOST_MEASUREMENTS:
            began = time.monotonic()
            served = saturate(port, _requests(port), connections=CONNECTIONS, seconds=SECONDS).throughput
            readings.append(ReferenceReading(served, probe.speed(began, time.monotonic())))
            counting = undisturbed(readings, most_difference)
    speeds = [reading.probe for reading in counting if reading.probe is not None]
    return ReferenceWork(
        requests=median(reading.requests for reading in counting),
        probe=median(speeds) if speeds else None,
        counting=len(counting),
        measured=len(readings),
    )


def undisturbed(readings: Sequence[ReferenceReading], most_difference: float) -> list[ReferenceReading]:
    """Return the readings at the speed of the undisturbed machine, within `most_difference` as a share of it.

    That speed is the median of the faster half, since a neighbour makes a machine slower, never faster. It is that of
    a reading, so at least one counts. Without readings of the probe, all do.
    """
    speeds = sorted(reading.probe for reading in readings if reading.probe is not None)
    if not speeds:
        return list(readings)
    speed = median_high(speeds[len(speeds) // 2 :])
    return [
        reading
        for reading in readings
        if reading.probe is not None and abs(reading.probe / speed - 1) <= most_difference
    ]


@contextlib.contextmanager
def _application_within_budgets(servers: LabServers, scenario: RegisteredScenario) -> Iterator[int]:
    """Run the application, warmed up, under the budgets of M1 within the block; provide its port."""
    cores = role_budgets(BASELINE, TOPOLOGIES[BASELINE], scenario.budgets)
    database = postgres_role("main")
    with (
        _reference_database(servers),
        cpu_budgets({role: cores[role] for role in (FRONT_WEB, database)}, "reference-") as budgets,
        _running_application(servers) as (port, program),
    ):
        # The first requests open the connections.
        saturate(port, _requests(port), connections=CONNECTIONS, seconds=1.0)
        for role, pid in ((FRONT_WEB, running_pid(program)), (database, servers.postgres_pid("main"))):
            servers.cores.pin_servers([pid])
            budgets[role].add([pid])
        yield port


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
