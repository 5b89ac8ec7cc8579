"""Open-loop traffic at a steady rate: no response delays another request; latency counts from the intended start."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from uuid import uuid4

from msgspec import Struct

from loadtests.harness.traffic.connection import KeepAliveConnection, ResponseLost, TrafficResponse

SETTLE_SECONDS = 30.0
REQUEST_SECONDS = 10.0
MAX_BOOKED = 20
_UNSETTLED = frozenset({0, 500, 502, 503, 504})


class TrafficPlan(Struct, frozen=True):
    """The traffic of one process to one business.

    `path` is the business in the API, `customer_id` the customer of all bookings. `slots` (provider, start) are used by
    this traffic only. `rate` is requests a second, of which `share_of_writes` book and cancel in turn. `name` is the
    note of its bookings. A write is repeated for up to `settle_seconds`.
    """

    host: str
    port: int
    path: str
    headers: dict[str, str]
    offering_id: str
    customer_id: str
    slots: list[tuple[str, str]]
    reads: list[str]
    rate: float
    share_of_writes: float
    name: str
    seed: int = 1
    settle_seconds: float = SETTLE_SECONDS


class TrafficRecord(Struct, frozen=True):
    """One request of the traffic `name`. `at` is its intended start (seconds since 1970), `ms` its latency from then.

    `status` is the first response that the client saw, 0 if no complete response arrived. A write is repeated with its
    key until it is settled; `final` is its last status. `appointment_id`, `version` and `state` are from that response.
    `problem` is the code of the first response if that is an error, or why it was lost.
    """

    name: str
    kind: str
    at: float
    ms: float
    status: int
    final: int
    key: str = ""
    appointment_id: str = ""
    version: int = 0
    state: str = ""
    problem: str = ""


RecordSink = Callable[[TrafficRecord], None]


async def run_traffic(plan: TrafficPlan, sink: RecordSink, stopped: asyncio.Event) -> None:
    """Send requests until `stopped` is set, then wait for the pending ones."""
    traffic = _Traffic(plan, sink)
    chance = random.Random(plan.seed)
    pending: set[asyncio.Task[None]] = set()
    next_at = time.time()
    while not stopped.is_set():
        next_at += chance.expovariate(plan.rate)
        delay = next_at - time.time()
        if delay > 0:
            await asyncio.sleep(delay)
        task = asyncio.create_task(traffic.send(next_at, write=chance.random() < plan.share_of_writes))
        pending.add(task)
        task.add_done_callback(pending.discard)
    if pending:
        await asyncio.gather(*pending)
    traffic.close()


def split_slots(slots: Sequence[tuple[str, str]], processes: int) -> list[list[tuple[str, str]]]:
    """Distribute the slots over the processes, without overlap."""
    return [list(slots[number::processes]) for number in range(processes)]


class _Traffic:
    def __init__(self, plan: TrafficPlan, sink: RecordSink) -> None:
        self._plan = plan
        self._sink = sink
        self._idle: list[KeepAliveConnection] = []
        self._free = list(plan.slots)
        self._booked: list[tuple[str, int, tuple[str, str]]] = []
        self._reads = 0

    async def send(self, at: float, *, write: bool) -> None:
        """Send one request that was due at `at`: a read, a booking, or a cancellation once many slots are booked."""
        connection = self._idle.pop() if self._idle else self._connect()
        try:
            if not write:
                await self._read(connection, at)
            elif self._booked and (not self._free or len(self._booked) > MAX_BOOKED):
                await self._cancel(connection, at)
            elif self._free:
                await self._book(connection, at)
        finally:
            self._idle.append(connection)

    def close(self) -> None:
        for connection in self._idle:
            connection.close()

    def _connect(self) -> KeepAliveConnection:
        return KeepAliveConnection(self._plan.host, self._plan.port, self._plan.headers)

    async def _read(self, connection: KeepAliveConnection, at: float) -> None:
        self._reads += 1
        path = self._plan.reads[self._reads % len(self._plan.reads)]
        answer = await self._request(connection, "GET", path)
        status, ms = answer.status, _ms_since(at)
        self._sink(TrafficRecord(self._plan.name, "read", at, ms, status, status, problem=_problem_of(answer)))

    async def _book(self, connection: KeepAliveConnection, at: float) -> None:
        slot = self._free.pop(0)
        provider_id, starts_at = slot
        body = {
            "offering_id": self._plan.offering_id,
            "provider_id": provider_id,
            "starts_at": starts_at,
            "note": self._plan.name,
            "customer_id": self._plan.customer_id,
        }
        record = await self._write_until_settled(connection, at, "book", "/appointments", body)
        if record.final == 201:
            self._booked.append((record.appointment_id, record.version, slot))
        self._sink(record)

    async def _cancel(self, connection: KeepAliveConnection, at: float) -> None:
        appointment_id, version, slot = self._booked.pop(0)
        path = f"/appointments/{appointment_id}/cancel"
        record = await self._write_until_settled(connection, at, "cancel", path, {"expected_version": version})
        if record.final == 200:
            self._free.append(slot)
        self._sink(record)

    async def _write_until_settled(
        self, connection: KeepAliveConnection, at: float, kind: str, path: str, body: Mapping[str, object]
    ) -> TrafficRecord:
        """Repeat the key while the outcome is unknown or the write was not done; record the first response's status."""
        key, first, first_ms, until = uuid4().hex, None, 0.0, time.time() + self._plan.settle_seconds
        while True:
            answer = await self._request(connection, "POST", path, body, {"Idempotency-Key": key})
            if first is None:
                first, first_ms = answer, _ms_since(at)
            if answer.status not in _UNSETTLED or time.time() > until:
                break
            await asyncio.sleep(0.05)
        reply = answer.json() if answer.status in (200, 201) else {}
        return TrafficRecord(
            name=self._plan.name,
            kind=kind,
            at=at,
            ms=first_ms,
            status=first.status,
            final=answer.status,
            key=key,
            appointment_id=reply.get("appointment_id", ""),
            version=reply.get("version", 0),
            state=reply.get("status", ""),
            problem=_problem_of(first),
        )

    async def _request(
        self,
        connection: KeepAliveConnection,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TrafficResponse:
        """Return the response; one that was lost has status 0, and the reason in place of the body."""
        try:
            return await connection.request(method, self._plan.path + path, body, headers, seconds=REQUEST_SECONDS)
        except ResponseLost as lost:
            return TrafficResponse(0, str(lost).encode())


def _problem_of(answer: TrafficResponse) -> str:
    if answer.status in (200, 201):
        return ""
    try:
        return str(answer.json()["code"])
    except (ValueError, TypeError, KeyError):
        return answer.body[:100].decode(errors="replace")


def _ms_since(at: float) -> float:
    return (time.time() - at) * 1000
