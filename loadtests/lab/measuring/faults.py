"""What can happen to a running arm: one part of it fails, or is deployed, and works again a few seconds later.

Faults return when the arm serves again, and leave its processes in their control groups.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import psutil
import psycopg

from deploy.devstack.program import Program
from deploy.errors import CommandError
from loadtests.harness.process_tree import process_tree
from loadtests.lab.planning.scenario import FaultName
from loadtests.lab.servers.running_arm import RunningArm
from loadtests.lab.servers.topologies import FRONT_WEB, SCHEDULING_WEB

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
            stack.enter_context(arm.servers.administrator(server, f"{arm.prefix}_{owner}"))
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


FAULTS: Mapping[FaultName, Fault] = {
    "nothing fails": change_nothing,
    "scheduling's web process is killed": kill_scheduling_web,
    "the main database restarts": restart_main_database,
    "scheduling's database hangs": pause_scheduling_database,
    "the monolith is deployed": deploy_monolith,
    "scheduling is deployed": deploy_scheduling,
    "a runaway query runs in scheduling": run_runaway_query,
}


def inject_fault(fault: FaultName, arm: RunningArm) -> None:
    """Wait for BEFORE_SECONDS, inject a fault, and return when the arm serves again.

    Call it in the main thread: the processes that it starts end with the thread that started them.
    """
    time.sleep(BEFORE_SECONDS)
    FAULTS[fault](arm)


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
