"""Closed-loop load that saturates a server: each connection sends its next request as soon as it has a response.

Measures throughput only. The client must cost little next to the server, so it sends requests that were rendered in
advance and reads only the status and the length of a response.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from deploy.devstack.ports import HOST
from deploy.errors import CommandError

MAX_LOAD_CPU = 0.85
"""A client that used more than this share of its core may have limited the throughput."""
TIMEOUT_SECONDS = 10.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SaturationResult:
    """Responses by status. `cpu` is the share of one core that the client's thread used."""

    answers: Counter[int]
    seconds: float
    cpu: float

    @property
    def throughput(self) -> float:
        """Responses per second."""
        return self.answers.total() / self.seconds


def saturate(port: int, requests: Iterator[bytes], *, connections: int, seconds: float) -> SaturationResult:
    """Send rendered requests over `connections` keep-alive connections for `seconds`.

    Raises CommandError when the server closes a connection or stops responding, which invalidates the figure.
    """
    return asyncio.run(_saturate(port, requests, connections, seconds))


async def _saturate(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> SaturationResult:
    loop = asyncio.get_running_loop()
    run = _Run(requests)
    for _ in range(connections):
        _, client = await loop.create_connection(lambda: _Client(run, loop.create_future()), HOST, port)
        run.clients.append(client)
    began, cpu_began = time.perf_counter(), time.thread_time()
    for client in run.clients:
        client.send_next()
    await asyncio.sleep(seconds)
    taken, cpu, answers = time.perf_counter() - began, time.thread_time() - cpu_began, Counter(run.answers)
    run.over = True
    try:
        await asyncio.wait_for(asyncio.gather(*(client.done for client in run.clients)), TIMEOUT_SECONDS)
    except TimeoutError:
        raise CommandError(f"the server on port {port} stopped responding during the measurement") from None
    return SaturationResult(answers, taken, cpu / taken)


@dataclass
class _Run:
    requests: Iterator[bytes]
    answers: Counter[int] = field(default_factory=Counter)
    clients: list["_Client"] = field(default_factory=list)
    over: bool = False


class _Client(asyncio.Protocol):
    """One connection. `done` is fulfilled by the last response after the run is over."""

    def __init__(self, run: _Run, done: "asyncio.Future[None]") -> None:
        self._run = run
        self._received = b""
        self.done = done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send_next(self) -> None:
        """Send the next request, or close the connection when the run is over."""
        if self._run.over:
            self.done.set_result(None)
            self._transport.close()
        else:
            self._transport.write(next(self._run.requests))

    def data_received(self, data: bytes) -> None:
        received = self._received + data
        status = status_if_complete(received)
        if status is None:
            self._received = received
            return
        self._received = b""
        self._run.answers[status] += 1
        self.send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(CommandError(f"the server closed a connection during the measurement: {exc}"))


def status_if_complete(answer: bytes) -> int | None:
    """Return the status of a complete response, else None; without a length the headers are the whole response."""
    head_ends = answer.find(b"\r\n\r\n")
    if head_ends < 0:
        return None
    length = _LENGTH.search(answer, 0, head_ends)
    if length is not None and len(answer) < head_ends + 4 + int(length[1]):
        return None
    return int(answer[9:12])
