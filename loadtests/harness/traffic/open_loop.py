"""Requests at a steady rate, whatever the answers take: each is timed from when it was meant to be sent."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from uuid import uuid4

from msgspec import Struct

from loadtests.harness.traffic.connection import KeepAliveConnection, ResponseLost, TrafficResponse

SETTLE_SECONDS = 30.0
REQUEST_SECONDS = 10.0


class TrafficPlan(Struct, frozen=True):
    """`slots` are provider, start; each belongs to this traffic alone. `path` is the business in the API. `rate` is
    requests a second, of which `share_of_writes` book and cancel in turns."""

    host: str
    port: int
    path: str
    headers: dict[str, str]
    offering_id: str
    slots: list[tuple[str, str]]
    reads: list[str]
    rate: float
    share_of_writes: float
    name: str
    seed: int = 1


class TrafficRecord(Struct, frozen=True):
    """One request of the traffic of that name. `at` is when it was meant to be sent (seconds since 1970), `ms` how long
    until its answer from then.

    `status` is what the user saw first, 0 when no whole answer came; a write is repeated with its key until it is
    settled, and `final` is the status it ended with. `appointment_id` and the rest are what the last answer said.
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


Tell = Callable[[TrafficRecord], None]


async def run_traffic(plan: TrafficPlan, tell: Tell, stopped: asyncio.Event) -> None:
    """Until `stopped`; then what was begun is ended."""
    traffic = _Traffic(plan, tell)
    chance = random.Random(plan.seed)
    begun: set[asyncio.Task[None]] = set()
    next_at = time.time()
    while not stopped.is_set():
        next_at += chance.expovariate(plan.rate)
        delay = next_at - time.time()
        if delay > 0:
            await asyncio.sleep(delay)
        task = asyncio.create_task(traffic.one(next_at, chance.random() < plan.share_of_writes))
        begun.add(task)
        task.add_done_callback(begun.discard)
    if begun:
        await asyncio.gather(*begun)
    traffic.close()


class _Traffic:
    def __init__(self, plan: TrafficPlan, tell: Tell) -> None:
        self._plan = plan
        self._tell = tell
        self._idle: list[KeepAliveConnection] = []
        self._free = list(plan.slots)
        self._booked: list[tuple[str, int, tuple[str, str]]] = []
        self._reads = 0

    async def one(self, at: float, write: bool) -> None:
        connection = (
            self._idle.pop()
            if self._idle
            else KeepAliveConnection(self._plan.host, self._plan.port, self._plan.headers)
        )
        try:
            if not write:
                await self._read(connection, at)
            elif self._booked and (not self._free or len(self._booked) > 20):
                await self._cancel(connection, at)
            elif self._free:
                await self._book(connection, at)
        finally:
            self._idle.append(connection)

    def close(self) -> None:
        for connection in self._idle:
            connection.close()

    async def _read(self, connection: KeepAliveConnection, at: float) -> None:
        self._reads += 1
        path = self._plan.reads[self._reads % len(self._plan.reads)]
        try:
            status = (await connection.ask("GET", self._plan.path + path, seconds=REQUEST_SECONDS)).status
        except ResponseLost:
            status = 0
        self._tell(TrafficRecord(self._plan.name, "read", at, _ms(at), status, status))

    async def _book(self, connection: KeepAliveConnection, at: float) -> None:
        slot = self._free.pop(0)
        provider_id, starts_at = slot
        body = {
            "offering_id": self._plan.offering_id,
            "provider_id": provider_id,
            "starts_at": starts_at,
            "note": self._plan.name,
            "customer_id": str(uuid4()),
        }
        record = await self._settled(connection, at, "book", "/appointments", body)
        if record.final == 201:
            self._booked.append((record.appointment_id, record.version, slot))
        self._tell(record)

    async def _cancel(self, connection: KeepAliveConnection, at: float) -> None:
        appointment_id, version, slot = self._booked.pop(0)
        path = f"/appointments/{appointment_id}/cancel"
        record = await self._settled(connection, at, "cancel", path, {"expected_version": version})
        if record.final == 200:
            self._free.append(slot)
        self._tell(record)

    async def _settled(
        self, connection: KeepAliveConnection, at: float, kind: str, path: str, body: Mapping[str, object]
    ) -> TrafficRecord:
        """Repeats the key while the outcome is unknown, or nothing was done; the first answer is what the user saw."""
        key, first, first_ms, until = uuid4().hex, None, 0.0, time.time() + SETTLE_SECONDS
        while True:
            answer = await self._try(connection, path, body, key)
            if first is None:
                first, first_ms = answer.status, _ms(at)
            if answer.status not in _UNSETTLED or time.time() > until:
                break
            await asyncio.sleep(0.05)
        said = answer.json() if answer.status in (200, 201) else {}
        return TrafficRecord(
            name=self._plan.name,
            kind=kind,
            at=at,
            ms=first_ms,
            status=first,
            final=answer.status,
            key=key,
            appointment_id=said.get("appointment_id", ""),
            version=said.get("version", 0),
            state=said.get("status", ""),
        )

    async def _try(
        self, connection: KeepAliveConnection, path: str, body: Mapping[str, object], key: str
    ) -> TrafficResponse:
        try:
            return await connection.ask(
                "POST", self._plan.path + path, body, {"Idempotency-Key": key}, seconds=REQUEST_SECONDS
            )
        except ResponseLost:
            return TrafficResponse(0, b"")


_UNSETTLED = frozenset({0, 500, 502, 503, 504})


def _ms(at: float) -> float:
    return (time.time() - at) * 1000


def split_slots(slots: Sequence[tuple[str, str]], parts: int) -> list[list[tuple[str, str]]]:
    """Each slot for one of several processes."""
    return [list(slots[part::parts]) for part in range(parts)]
