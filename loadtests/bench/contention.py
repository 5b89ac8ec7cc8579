"""contended_refusal_p99_ratio: 64 clients on one slot; one wins, and the others hear it as soon as a booking takes."""

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
PATIENCE_SECONDS = 60.0
WON, REFUSED = 201, 409
Slot = tuple[str, datetime]
TimedStatus = tuple[int, float]


def measure(cores: Cores, blocks: int, rounds: int) -> dict[str, Figure]:
    """Rounds in which 64 clients ask at once, each over its own connection: for one slot, and for a slot each. The 99th
    percentile of the refusals by that of the bookings which nobody contended, so that both waited in the same crowd."""
    with running_bench_servers(cores) as servers:
        servers.start_databases("monolith")
        product = servers.start_monolith()
        tenant = open_tenant(product.port, PROVIDERS, ROUND_THE_CLOCK)
        crowd = BurstClients(tenant, [tenant.customer() for _ in range(CUSTOMERS)])
        free = unused_slots(tenant)
        with cores.for_generator():
            crowd.uncontended(free)
            pairs = [_block(crowd, free, rounds) for _ in range(blocks)]
    refusal, booking = (percentile(list(column), 0.5) * 1000 for column in zip(*pairs, strict=True))
    echo(f"{'64 clients, one slot':<24} one wins; p99 of the refusals {refusal:.1f} ms")
    echo(f"{'64 clients, 64 slots':<24} p99 of the bookings {booking:.1f} ms")
    return {"contended_refusal_p99_ratio": ratio_figure(ratio(pairs))}


def _block(crowd: "BurstClients", free: Iterator[Slot], rounds: int) -> tuple[float, float]:
    refusals: list[float] = []
    bookings: list[float] = []
    for _ in range(rounds):
        refusals += crowd.contended(free)
        bookings += crowd.uncontended(free)
    return percentile(refusals, 0.99), percentile(bookings, 0.99)


class BurstClients:
    """Clients who press the button at the same moment."""

    def __init__(self, tenant: Tenant, customers: Sequence[TenantClient]) -> None:
        self._shop = tenant
        self._cookies = [customers[number % len(customers)].cookie for number in range(CLIENTS)]
        self._connections = [
            http.client.HTTPConnection(HOST, tenant.port, timeout=PATIENCE_SECONDS) for _ in self._cookies
        ]

    def contended(self, free: Iterator[Slot]) -> list[float]:
        """How long each refusal took. Raises CommandError unless exactly one client won."""
        answers = self._ask([next(free)] * CLIENTS)
        _require(answers, {WON: 1, REFUSED: CLIENTS - 1})
        return [seconds for status, seconds in answers if status == REFUSED]

    def uncontended(self, free: Iterator[Slot]) -> list[float]:
        """How long each booking took."""
        answers = self._ask([next(free) for _ in range(CLIENTS)])
        _require(answers, {WON: CLIENTS})
        return [seconds for _, seconds in answers]

    def _ask(self, slots: Sequence[Slot]) -> list[TimedStatus]:
        together = threading.Barrier(CLIENTS)
        answers: list[TimedStatus] = []

        def press(number: int) -> None:
            request = self._request(number, slots[number])
            together.wait(PATIENCE_SECONDS)
            began = time.perf_counter()
            status = request()
            answers.append((status, time.perf_counter() - began))

        threads = [threading.Thread(target=press, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def _request(self, number: int, slot: Slot) -> "PreparedBooking":
        provider_id, starts_at = slot
        body = {
            "offering_id": self._shop.offering_id,
            "provider_id": provider_id,
            "starts_at": starts_at.isoformat(),
        }
        headers = {
            **self._cookies[number],
            "Content-Type": "application/json",
            "Idempotency-Key": secrets.token_hex(16),
        }
        path = f"/api/v1{self._shop.path}/appointments"
        return PreparedBooking(self._connections[number], path, json.dumps(body), headers)


class PreparedBooking:
    """One booking, ready to be sent."""

    def __init__(self, connection: http.client.HTTPConnection, path: str, body: str, headers: dict[str, str]) -> None:
        self._connection = connection
        self._sent = (path, body, headers)

    def __call__(self) -> int:
        path, body, headers = self._sent
        self._connection.request("POST", path, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status


def _require(answers: Sequence[TimedStatus], wanted: dict[int, int]) -> None:
    found = Counter(status for status, _ in answers)
    if found != wanted:
        raise CommandError(f"{CLIENTS} clients at once were answered {dict(found)} where it should be {wanted}")
