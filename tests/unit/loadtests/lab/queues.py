"""A discrete-event simulation: requests as coroutines that acquire, hold and release servers with a queue."""

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count


@dataclass
class Server:
    """`places` requests are served at the same time, at `speed`; the others wait in order of arrival.

    `busy` is the work that was done, in seconds at speed 1.
    """

    places: int = 1
    speed: float = 1.0
    busy: float = 0.0
    taken: int = 0
    waiting: deque["Process"] = field(default_factory=deque)


@dataclass(frozen=True)
class Acquire:
    server: Server


@dataclass(frozen=True)
class Release:
    server: Server


@dataclass(frozen=True)
class Work:
    """Occupies a place of the server, which the process has acquired, for `seconds` of work at speed 1."""

    server: Server
    seconds: float


Process = Iterator[Acquire | Release | Work]


class Simulation:
    """Runs processes in the order of their events; `now` is in seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Process]] = []
        self._numbers = count()

    def start(self, at: float, process: Process) -> None:
        heapq.heappush(self._events, (at, next(self._numbers), process))

    def run(self) -> None:
        while self._events:
            self.now, _, process = heapq.heappop(self._events)
            self._advance(process)

    def _advance(self, process: Process) -> None:
        """Run a process until it waits or ends."""
        for step in process:
            if isinstance(step, Work):
                step.server.busy += step.seconds
                self.start(self.now + step.seconds / step.server.speed, process)
                return
            server = step.server
            if isinstance(step, Acquire):
                if server.taken == server.places:
                    server.waiting.append(process)
                    return
                server.taken += 1
            elif server.waiting:
                self.start(self.now, server.waiting.popleft())
            else:
                server.taken -= 1


def use(server: Server, seconds: float) -> Process:
    """Wait for the server, and do this work on it."""
    yield Acquire(server)
    yield Work(server, seconds)
    yield Release(server)
