"""A closed loop that saturates a server: each connection asks again as soon as it is answered.

It measures throughput only. Its own cost per request must be small beside the server's, so it writes bytes rendered
beforehand and reads no more of an answer than its status and its length.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from deploy.devstack.ports import HOST
from deploy.errors import CommandError

MAX_LOAD_CPU = 0.85
"""A generator that used more than this share of its core may have been what was measured."""
TIMEOUT_SECONDS = 10.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SaturationResult:
    """What came of one block. `cpu` is the share of one core that the asking thread used meanwhile."""

    answers: Counter[int]
    seconds: float
    cpu: float

    @property
    def throughput(self) -> float:
        """Answers per second."""
        return self.answers.total() / self.seconds


def render_request(method: str, path: str, *, host: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """A request, as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def saturate(port: int, requests: Iterator[bytes], *, connections: int, seconds: float) -> SaturationResult:
    """Ask over `connections` keep-alive connections for `seconds`.

    Raises CommandError when the server closes a connection or stops answering: the figure would mean nothing.
    """
    return asyncio.run(_saturate(port, requests, connections, seconds))


async def _saturate(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> SaturationResult:
    loop = asyncio.get_running_loop()
    run = _Run(requests)
    for _ in range(connections):
        _, asker = await loop.create_connection(lambda: _Asker(run, loop.create_future()), HOST, port)
        run.askers.append(asker)
    began, cpu_began = time.perf_counter(), time.thread_time()
    for asker in run.askers:
        asker.ask()
    await asyncio.sleep(seconds)
    taken, cpu, answers = time.perf_counter() - began, time.thread_time() - cpu_began, Counter(run.answers)
    run.over = True
    try:
        await asyncio.wait_for(asyncio.gather(*(asker.done for asker in run.askers)), TIMEOUT_SECONDS)
    except TimeoutError:
        raise CommandError(f"the server on port {port} stopped answering during the measurement") from None
    return SaturationResult(answers, taken, cpu / taken)


@dataclass
class _Run:
    requests: Iterator[bytes]
    answers: Counter[int] = field(default_factory=Counter)
    askers: list["_Asker"] = field(default_factory=list)
    over: bool = False


class _Asker(asyncio.Protocol):
    """One connection. `done` is fulfilled when the last answer has come after the run is over."""

    def __init__(self, run: _Run, done: "asyncio.Future[None]") -> None:
        self._run = run
        self._received = b""
        self.done = done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self) -> None:
        """Send the next request; or, when the run is over, hang up."""
        if self._run.over:
            self.done.set_result(None)
            self._transport.close()
        else:
            self._transport.write(next(self._run.requests))

    def data_received(self, data: bytes) -> None:
        received = self._received + data
        status = _status_of_whole(received)
        if status is None:
            self._received = received
            return
        self._received = b""
        self._run.answers[status] += 1
        self.ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(CommandError(f"the server closed a connection while measured: {exc}"))


def _status_of_whole(answer: bytes) -> int | None:
    """The status, once all of the answer is there. An answer without a length counts as whole after its headers."""
    head_ends = answer.find(b"\r\n\r\n")
    if head_ends < 0:
        return None
    length = _LENGTH.search(answer, 0, head_ends)
    if length is not None and len(answer) < head_ends + 4 + int(length[1]):
        return None
    return int(answer[9:12])
