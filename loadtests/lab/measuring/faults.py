"""The blast radius: who is not served while nothing, or one part of an arm, fails or is deployed.

Each fault begins a few seconds into 20 s of moderate load on freshly started servers, and ends before the load does, so
that a cell is the share of the people who came to a module during these 20 s and were not answered properly in time.
"""

import contextlib
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil
import psycopg

from deploy.devstack.program import Program
from deploy.errors import CommandError
from loadtests.harness.process_tree import process_tree
from loadtests.lab.measuring.generator_process import read_run_files, running_generator, workload_of
from loadtests.lab.measuring.measurement import COPY, MeasuredArm, begin_together
from loadtests.lab.measuring.rig import ProductRig
from loadtests.lab.measuring.subject import Load
from loadtests.lab.results.model import BlastCell
from loadtests.lab.results.summary import summarize_modules
from loadtests.lab.servers.running_arm import RunningArm
from loadtests.lab.servers.topologies import FRONT_WEB, SCHEDULING_WEB

LOAD_SECONDS: Final = 20.0
BEFORE_SECONDS, FAULT_SECONDS = 4.0, 5.0
"""Load before the fault, and how long a fault lasts that does not end by itself."""
_RUNAWAY_CONNECTIONS: Final = 3

# Reads the claims again and again, without an index to help: a report that was started at noon.
_RUNAWAY = """
    SELECT count(*) FROM scheduling.claim a JOIN scheduling.claim b
        ON tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at) AND a.holder_id <> b.holder_id
"""

Fault = Callable[[RunningArm], None]


def kill_scheduling_web(arm: RunningArm) -> None:
    """Kill the web process that serves scheduling, which is started again five seconds later."""
    programs = _serving_scheduling(arm)
    for program in programs:
        _signal_tree(program, signal.SIGKILL)
        program.kill()
    time.sleep(FAULT_SECONDS)
    _start(arm, programs)


def deploy_monolith(arm: RunningArm) -> None:
    """Stop the monolith's processes gracefully, and start them again."""
    _restart(arm, [program for name, program in arm.programs.items() if name.startswith("monolith-")])


def deploy_scheduling(arm: RunningArm) -> None:
    """Restart the processes that have scheduling's code: the service, or the monolith where there is none.

    A web process that serves scheduling alone is restarted alone.
    """
    if arm.topology.service:
        _restart(arm, [program for name, program in arm.programs.items() if name.startswith("scheduling-")])
    elif arm.programs_of(SCHEDULING_WEB):
        _restart(arm, arm.programs_of(SCHEDULING_WEB))
    else:
        deploy_monolith(arm)


def restart_main_database(arm: RunningArm) -> None:
    """Stop the Postgres server of the other modules, and start it again."""
    server = arm.servers.postgres["main"]
    server.stop()
    with arm.servers.cores.starting_servers():
        server.start()
    arm.confine()


def pause_scheduling_database(arm: RunningArm) -> None:
    """Freeze the Postgres server that has scheduling's tables for five seconds: it accepts, and does not answer."""
    pid = arm.servers.postgres_pid(arm.topology.placement[arm.topology.owner])
    frozen = process_tree(pid)
    try:
        for process in frozen:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()  # type: ignore[no-untyped-call]
        time.sleep(FAULT_SECONDS)
    finally:
        for process in frozen:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()  # type: ignore[no-untyped-call]


def run_runaway_query(arm: RunningArm) -> None:
    """Run expensive queries on scheduling's tables until they are cancelled, twice five seconds later."""
    owner = arm.topology.owner
    server = arm.topology.placement[owner]
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(arm.servers.administrator(server, f"{COPY}_{owner}"))
            for _ in range(_RUNAWAY_CONNECTIONS)
        ]
        threads = [threading.Thread(target=_run_until_cancelled, args=(each,)) for each in connections]
        for thread in threads:
            thread.start()
        time.sleep(2 * FAULT_SECONDS)
        for connection in connections:
            connection.cancel_safe()
        for thread in threads:
            thread.join()


def change_nothing(_arm: RunningArm) -> None:
    """The control: arrivals that are not served now would not be served without a fault either."""


FAULTS: Mapping[str, Fault] = {
    "nothing fails": change_nothing,
    "scheduling's web process is killed": kill_scheduling_web,
    "the main database restarts": restart_main_database,
    "scheduling's database hangs": pause_scheduling_database,
    "the monolith is deployed": deploy_monolith,
    "scheduling is deployed": deploy_scheduling,
    "a runaway query in scheduling": run_runaway_query,
}


def measure_blast_radius(
    rig: ProductRig, arm: str, rate: float, faults: Sequence[str] = tuple(FAULTS)
) -> list[BlastCell]:
    """Return the cells of one arm: every fault under 20 s of load at this rate, on servers started for it.

    Raises CommandError, also where a server does not start again.
    """
    load = Load(scenario=rig.scenario, rate=rate, seconds=LOAD_SECONDS, seed=1)
    cells: list[BlastCell] = []
    for fault in faults:
        with rig.running(arm) as running, tempfile.TemporaryDirectory() as folder:
            (measured,) = running.arms
            cells += _measure(measured, load, fault, Path(folder))
    return cells


def _measure(arm: MeasuredArm, load: Load, fault: str, folder: Path) -> Iterator[BlastCell]:
    workload = workload_of(load, arm.running.hosts, arm.businesses)
    with running_generator(workload, folder, arm.servers.cores) as generator:
        begin_together([generator])
        generator.wait_for_start()
        time.sleep(BEFORE_SECONDS)
        FAULTS[fault](arm.running)
        generator.wait_for_end()
    rows, _ = read_run_files(folder)
    counted = [row.as_row(arm.name) for row in rows if row.due >= 0]
    for module, result in summarize_modules(counted, load.scenario.promises.limits_ms).items():
        share = result.missed / result.arrivals if result.arrivals else 0.0
        yield BlastCell(arm=arm.name, fault=fault, module=module, not_served=share, arrivals=result.arrivals)


def _serving_scheduling(arm: RunningArm) -> list[Program]:
    return arm.programs_of(SCHEDULING_WEB) or arm.programs_of(FRONT_WEB)


def _restart(arm: RunningArm, programs: Sequence[Program]) -> None:
    for program in programs:
        program.request_stop()
    for program in programs:
        program.stop()
    _start(arm, programs)


def _start(arm: RunningArm, programs: Sequence[Program]) -> None:
    with arm.servers.cores.starting_servers():
        for program in programs:
            program.launch()
    arm.confine()
    for program in programs:
        program.wait_until_ready()
    # A web server's children start after it.
    arm.confine()


def _signal_tree(program: Program, number: signal.Signals) -> None:
    if program.pid is None:
        raise CommandError(f"{program.name} is not running")
    for process in reversed(process_tree(program.pid)):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)  # type: ignore[no-untyped-call]


def _run_until_cancelled(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    with contextlib.suppress(psycopg.errors.QueryCanceled):
        while True:
            connection.execute(_RUNAWAY)
