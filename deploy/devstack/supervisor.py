"""Keeps a set of processes running until it is told to stop them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from contracts.chassis.backoff import Backoff
from deploy.devstack.child import Child
from deploy.devstack.process_record import ProcessRecord
from deploy.errors import CommandError

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
# A process that ran this long had started well: its next end is a new story.
STEADY_SECONDS = 60.0
POLL_SECONDS = 0.2


@dataclass(slots=True)
class _Watched:
    process: Child
    launched_at: float
    backoff: Backoff = field(default_factory=lambda: Backoff(FIRST_PAUSE, LONGEST_PAUSE))
    again_at: float | None = None


class Supervisor:
    """Starts groups of processes in order, starts again what ends, and stops the groups in reverse order.

    ``say`` gets one line for each thing a person should know. Belongs to one thread, the main one.
    """

    def __init__(self, record: ProcessRecord, say: Callable[[str], None]) -> None:
        self._record = record
        self._say = say
        self._groups: list[list[_Watched]] = []

    def start(self, processes: Sequence[Child]) -> None:
        """Launch this group side by side and return when all of it serves."""
        group: list[_Watched] = []
        self._groups.append(group)
        for process in processes:
            group.append(_Watched(process, time.monotonic()))
            self._launch(process)
        for process in processes:
            process.wait_until_ready()

    def watch(self) -> None:
        """Start again whatever ends, until an exception (Ctrl-C) ends the watch."""
        while True:
            for group in self._groups:
                for watched in group:
                    self._look_after(watched)
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Stop everything, the group started last first. Returns when all are gone."""
        while self._groups:
            group = [watched.process for watched in reversed(self._groups.pop())]
            for process in group:
                process.ask_to_stop()
            for process in group:
                process.stop()
        self._record.clear()

    def _look_after(self, watched: _Watched) -> None:
        now = time.monotonic()
        if watched.process.pid is not None:
            return
        if watched.again_at is None:
            self._plan_restart(watched, now)
        elif now >= watched.again_at:
            self._start_again(watched, now)

    def _plan_restart(self, watched: _Watched, now: float) -> None:
        process = watched.process
        steady = now - watched.launched_at > STEADY_SECONDS
        if steady:
            watched.backoff.succeeded()
        delay = watched.backoff.failed()
        watched.again_at = now + delay
        self._say(
            f"{process.name} ended ({process.how_it_ended}), starting it again in {delay:.0f} s; "
            f"its log is {process.log}"
        )

    def _start_again(self, watched: _Watched, now: float) -> None:
        watched.again_at, watched.launched_at = None, now
        try:
            self._launch(watched.process)
        except CommandError as error:
            self._say(str(error))

    def _launch(self, process: Child) -> None:
        process.launch()
        self._record.note(process)
