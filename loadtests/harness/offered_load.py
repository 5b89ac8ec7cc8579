"""Open-loop load on one server: requests are sent on schedule, whether or not earlier ones have been answered.

A client waits for `patience` seconds from the time at which its request was due, then leaves. A response counts as good
if it arrives in that time with a status below 400; a later one has no reader.
"""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from deploy.devstack.ports import HOST
from loadtests.generator.estimates import percentile
from loadtests.harness.saturation import status_if_complete

MOST_CONNECTIONS = 900
"""Below the 1,000 that a gunicorn worker accepts, and below the usual limit of open files."""
LATEST = 0.05
"""Seconds. A generator that sends later than this at the 99th percentile has limited the load itself."""


class Outcome(NamedTuple):
    """One request. `due` is in seconds from the beginning; status 0 means no response in time."""

    due: float
    seconds: float
    status: int

    @property
    def good(self) -> bool:
        return 0 < self.status < 400


@dataclass(frozen=True, slots=True)
class OfferedLoad:
    """The outcomes, by due time. `lateness` is the 99th percentile of the delay with which requests were sent."""

    outcomes: Sequence[Outcome]
    seconds: float
    lateness: float

    @property
    def goodput(self) -> float:
        """Good responses per second."""
        return sum(each.good for each in self.outcomes) / self.seconds

    def latency(self, share: float) -> float:
        """Return a percentile of the latency; a request without a good response is infinitely late."""
        return percentile([each.seconds if each.good else float("inf") for each in self.outcomes], share)

    @property
    def last_failure(self) -> float:
        """When the last request that got no good response was due, in seconds; 0 if there is none."""
        return max((each.due for each in self.outcomes if not each.good), default=0.0)


def offer(
    port: int, requests: Iterator[bytes], *, rate: float, seconds: float, patience: float = 1.0, seed: int = 1
) -> OfferedLoad:
    """Send `rate` requests per second with exponential gaps, over keep-alive connections that are opened as needed."""
    chance, due, moment = random.Random(seed), list[float](), 0.0
    while (moment := moment + chance.expovariate(rate)) < seconds:
        due.append(moment)
    return asyncio.run(_offer(port, requests, due, seconds, patience))


async def _offer(
    port: int, requests: Iterator[bytes], due: Sequence[float], seconds: float, patience: float
) -> OfferedLoad:
    run, late = _Run(port, time.perf_counter(), patience), []
    for moment in due:
        ahead = run.began + moment - time.perf_counter()
        if ahead > 0:
            await asyncio.sleep(ahead)
        late.append(max(0.0, time.perf_counter() - run.began - moment))
        run.send(moment, next(requests))
    until = time.perf_counter() + patience + 0.2
    while len(run.outcomes) < len(due) and time.perf_counter() < until:
        await asyncio.sleep(0.02)
    run.close()
    return OfferedLoad(sorted(run.outcomes), seconds, percentile(late, 0.99) if late else 0.0)


class _Run:
    def __init__(self, port: int, began: float, patience: float) -> None:
        self.began = began
        self.patience = patience
        self.outcomes: list[Outcome] = []
        self._port = port
        self._idle: list[_Connection] = []
        self._open: set[_Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()

    def send(self, due: float, request: bytes) -> None:
        if self._idle:
            self._idle.pop().send(due, request)
        elif len(self._open) + len(self._opening) < MOST_CONNECTIONS:
            task = asyncio.get_running_loop().create_task(self._connect_and_send(due, request))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        else:
            self.report(due, 0)

    def report(self, due: float, status: int) -> None:
        self.outcomes.append(Outcome(due, time.perf_counter() - self.began - due, status))

    def returned(self, connection: "_Connection") -> None:
        self._idle.append(connection)

    def lost(self, connection: "_Connection") -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def close(self) -> None:
        for connection in list(self._open):
            connection.leave()

    async def _connect_and_send(self, due: float, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await asyncio.wait_for(
                loop.create_connection(lambda: _Connection(self), HOST, self._port), self.patience
            )
        except OSError:
            self.report(due, 0)
            return
        self._open.add(connection)
        connection.send(due, request)


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self._run = run
        self._received = b""
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, due: float, request: bytes) -> None:
        self._due = due
        left = self._run.began + due + self._run.patience - time.perf_counter()
        self._timer = asyncio.get_running_loop().call_later(max(0.0, left), self.leave)
        self._transport.write(request)

    def leave(self) -> None:
        """Give up: close the connection, as an impatient client does."""
        self._end(0)
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._received += data
        status = status_if_complete(self._received)
        if status is not None:
            self._received = b""
            self._end(status)
            self._run.returned(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(0)
        self._run.lost(self)

    def _end(self, status: int) -> None:
        if self._due is not None:
            self._run.report(self._due, status)
            self._due = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
