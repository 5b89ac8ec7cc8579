"""Keeps a set of processes running until it stops them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from contracts.chassis.backoff import Backoff
from deploy.devstack.child import Child
from deploy.devstack.process_record import ProcessRecord
from deploy.errors import CommandError

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
# A process that ran this long had started successfully: its next end resets the restart delay.
STEADY_SECONDS = 60.0
POLL_SECONDS = 0.5


@dataclass(slots=True)
class _Watched:
    process: Child
    launched_at: float
    backoff: Backoff = field(default_factory=lambda: Backoff(FIRST_PAUSE, LONGEST_PAUSE))
    restart_at: float | None = None


class Supervisor:
    """Starts groups of processes in order, restarts processes that end, and stops the groups in reverse order.

    ``say`` receives one line per event for the user. Not thread-safe: use it in the main thread.
    """

    def __init__(self, record: ProcessRecord, say: Callable[[str], None]) -> None:
        self._record = record
        self._say = say
        self._groups: list[list[_Watched]] = []

    def start(self, processes: Sequence[Child]) -> None:
        """Launch the processes in parallel and wait until all are ready."""
        group: list[_Watched] = []
        self._groups.append(group)
        for process in processes:
            group.append(_Watched(process, time.monotonic()))
            self._launch(process)
        for process in processes:
            process.wait_until_ready()

    def watch(self) -> None:
        """Restart each process that ends, until an exception such as KeyboardInterrupt."""
        while True:
            for group in self._groups:
                for watched in group:
                    self._check(watched)
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Stop all processes, last group first. Returns when all have ended."""
        while self._groups:
            group = [watched.process for watched in reversed(self._groups.pop())]
            for process in group:
                process.request_stop()
            for process in group:
                process.stop()
        self._record.clear()

    def _check(self, watched: _Watched) -> None:
        now = time.monotonic()
        if watched.process.pid is not None:
            return
        if watched.restart_at is None:
            self._plan_restart(watched, now)
        elif now >= watched.restart_at:
            self._restart(watched, now)

    def _plan_restart(self, watched: _Watched, now: float) -> None:
        process = watched.process
        steady = now - watched.launched_at > STEADY_SECONDS
        if steady:
            watched.backoff.succeeded()
        delay = watched.backoff.failed()
        watched.restart_at = now + delay
        self._say(f"{process.name} ended ({process.exit_description}), restarting in {delay:.0f} s; log: {process.log}")

    def _restart(self, watched: _Watched, now: float) -> None:
        watched.restart_at, watched.launched_at = None, now
        try:
            self._launch(watched.process)
        except CommandError as error:
            self._say(str(error))

    def _launch(self, process: Child) -> None:
        process.launch()
        self._record.add(process)
