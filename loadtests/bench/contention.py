"""contended_refusal_p99_ratio: 64 clients book one slot at once; refusals should take no longer than bookings."""

import http.client
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from deploy.devstack.ports import HOST
from deploy.errors import CommandError
from loadtests.bench.booking import unused_slots
from loadtests.bench.figures import Figure, ratio_figure
from loadtests.bench.output import echo
from loadtests.generator.estimates import percentile, ratio
from loadtests.harness.bench_servers import running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.tenants import ROUND_THE_CLOCK, Tenant, TenantClient, open_tenant

CLIENTS = 64
CUSTOMERS = 8
PROVIDERS = 8
TIMEOUT_SECONDS = 60.0
CREATED, CONFLICT = 201, 409
ProviderSlot = tuple[str, datetime]
TimedStatus = tuple[int, float]


def measure(cores: Cores, blocks: int, rounds: int) -> dict[str, Figure]:
    """Compare p99 of the refusals for one contended slot with p99 of bookings of a slot each.

    In every round all 64 clients send at once, each over its own connection, so that both wait under the same load.
    """
    with running_bench_servers(cores) as servers:
        servers.start_databases("monolith")
        product = servers.start_monolith()
        tenant = open_tenant(product.port, PROVIDERS, ROUND_THE_CLOCK)
        clients = BurstClients(tenant, [tenant.register_customer() for _ in range(CUSTOMERS)])
        free = unused_slots(tenant)
        with cores.generating_load():
            clients.book_different_slots(free)
            pairs = [_block(clients, free, rounds) for _ in range(blocks)]
    refusal, booking = (percentile(list(column), 0.5) * 1000 for column in zip(*pairs, strict=True))
    echo(f"{'64 clients, one slot':<24} one is booked; p99 of the refusals {refusal:.1f} ms")
    echo(f"{'64 clients, 64 slots':<24} p99 of the bookings {booking:.1f} ms")
    return {"contended_refusal_p99_ratio": ratio_figure(ratio(pairs))}


def _block(clients: "BurstClients", free: Iterator[ProviderSlot], rounds: int) -> tuple[float, float]:
    refusals: list[float] = []
    bookings: list[float] = []
    for _ in range(rounds):
        refusals += clients.book_one_slot(free)
        bookings += clients.book_different_slots(free)
    return percentile(refusals, 0.99), percentile(bookings, 0.99)


class BurstClients:
    """Clients that send their requests at the same moment."""

    def __init__(self, tenant: Tenant, customers: Sequence[TenantClient]) -> None:
        self._tenant = tenant
        self._headers = [customers[number % len(customers)].headers for number in range(CLIENTS)]
        self._connections = [
            http.client.HTTPConnection(HOST, tenant.port, timeout=TIMEOUT_SECONDS) for _ in self._headers
        ]

    def book_one_slot(self, free: Iterator[ProviderSlot]) -> list[float]:
        """Return the seconds that each refusal took. Raises CommandError unless exactly one client booked."""
        answers = self._send([next(free)] * CLIENTS)
        _require(answers, {CREATED: 1, CONFLICT: CLIENTS - 1})
        return [seconds for status, seconds in answers if status == CONFLICT]

    def book_different_slots(self, free: Iterator[ProviderSlot]) -> list[float]:
        """Return the seconds that each booking took."""
        answers = self._send([next(free) for _ in range(CLIENTS)])
        _require(answers, {CREATED: CLIENTS})
        return [seconds for _, seconds in answers]

    def _send(self, slots: Sequence[ProviderSlot]) -> list[TimedStatus]:
        barrier = threading.Barrier(CLIENTS)
        answers: list[TimedStatus] = []

        def book(number: int) -> None:
            booking = self._prepare(number, slots[number])
            barrier.wait(TIMEOUT_SECONDS)
            began = time.perf_counter()
            status = booking.send()
            answers.append((status, time.perf_counter() - began))

        threads = [threading.Thread(target=book, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def _prepare(self, number: int, slot: ProviderSlot) -> "PreparedBooking":
        headers = {
            **self._headers[number],
            "Content-Type": "application/json",
            "Idempotency-Key": secrets.token_hex(16),
        }
        path = f"/api/v1{self._tenant.path}/appointments"
        return PreparedBooking(self._connections[number], path, json.dumps(self._tenant.booking(*slot)), headers)


class PreparedBooking:
    """One booking request, serialized before the clock starts."""

    def __init__(self, connection: http.client.HTTPConnection, path: str, body: str, headers: dict[str, str]) -> None:
        self._connection = connection
        self._request = (path, body, headers)

    def send(self) -> int:
        """Return the response's status."""
        path, body, headers = self._request
        self._connection.request("POST", path, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status


def _require(answers: Sequence[TimedStatus], expected: dict[int, int]) -> None:
    found = Counter(status for status, _ in answers)
    if found != expected:
        raise CommandError(f"{CLIENTS} simultaneous bookings had the statuses {dict(found)}, expected {expected}")
