"""followup_cpu_ms_per_booking and freshness_p99_s: the cost and the delay of work that follows a booking.

followup_cpu_ms_per_booking: processor time of the worker (relay, consumers, mail sender) and Valkey, and of Postgres
beyond the booking itself, at a steady rate; the mail server is not counted. freshness_p99_s: 99th percentile, over all
bookings, of the time from the commit until the invoice is issued and the mail handed over, by the database's clock.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import psycopg

from deploy.devstack.ports import HOST
from deploy.errors import CommandError
from loadtests.bench.booking import unused_slots
from loadtests.bench.figures import Figure
from loadtests.bench.output import echo
from loadtests.generator.estimates import percentile
from loadtests.harness.bench_servers import running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.cpu_time import CpuSeconds, cpu_seconds, cpu_seconds_between
from loadtests.harness.tenants import ROUND_THE_CLOCK, Tenant, confirm_addresses, open_tenant
from loadtests.harness.traffic.connection import KeepAliveConnection

RATE = 50.0
PROVIDERS = 50
BUSINESSES = 10
CUSTOMERS = 8
PRICE_MINOR = 4_200
REQUEST_SECONDS = 10.0
REPETITIONS = 5
DRAIN_SECONDS = 600.0


class Lag(NamedTuple):
    """Seconds from the commit of one booking."""

    invoice: float
    mail: float


@dataclass(frozen=True, slots=True)
class BookingPeriod:
    """A period of bookings at the steady rate, with the processor time of each process."""

    began_at: datetime
    bookings: int
    spent: CpuSeconds

    def cpu_ms(self, process: str) -> float:
        """Return the processor time of the process per booking."""
        return self.spent[process] / self.bookings * 1000


def measure(cores: Cores, seconds: float) -> dict[str, Figure]:
    """Book 50 times a second: first without the worker, for a fifth of the time, then with it for `seconds`."""
    with running_bench_servers(cores) as servers:
        servers.start_databases("monolith")
        valkey = servers.start_valkey()
        servers.start_mail_sink()
        web = servers.start_monolith()
        tenants = [_priced_tenant(web.port) for _ in range(BUSINESSES)]
        customers = _Customers(tenants)
        with psycopg.connect(servers.postgres["monolith"].admin_url("monolith")) as monolith:
            confirm_addresses(monolith)
        processes = {"web": web.pid, "Postgres": servers.postgres_pid("monolith"), "Valkey": valkey}
        with cores.generating_load():
            _book_for(customers, processes, seconds / 20)
            alone = _book_for(customers, processes, seconds / 5)
        worker = servers.start_worker()
        url = servers.postgres["monolith"].admin_url("monolith")
        _wait_until_done(url)
        with cores.generating_load():
            with_worker = _book_for(customers, processes | {"worker": worker}, seconds, lambda: _wait_until_done(url))
        lags = _lags(url, with_worker.began_at)
    echo(f"{'repeated':<24} {customers.refused} of {alone.bookings + with_worker.bookings} bookings after overload")
    return _figures(alone, with_worker, lags)


def _figures(alone: BookingPeriod, with_worker: BookingPeriod, lags: list[Lag]) -> dict[str, Figure]:
    groups = {
        "worker": with_worker.cpu_ms("worker"),
        "Valkey": with_worker.cpu_ms("Valkey"),
        "Postgres": with_worker.cpu_ms("Postgres") - alone.cpu_ms("Postgres"),
    }
    for name, each in groups.items():
        echo(f"{'follow-up of a booking' if name == 'worker' else '':<24} {each:.2f} ms in {name}")
    echo(f"{'a booking itself':<24} {alone.cpu_ms('web'):.2f} ms in web, {alone.cpu_ms('Postgres'):.2f} ms in Postgres")
    if len(lags) < with_worker.bookings:
        raise CommandError(f"of {with_worker.bookings} bookings only {len(lags)} have an invoice and a mail")
    total, python = sum(groups.values()), groups["worker"]
    both = [max(lag) for lag in lags]
    for name, of_kind in (("invoice", [lag.invoice for lag in lags]), ("mail", [lag.mail for lag in lags])):
        median, p99 = percentile(of_kind, 0.5), percentile(of_kind, 0.99)
        echo(f"{'after ' + name:<24} median {median:.2f} s, p99 {p99:.2f} s, maximum {max(of_kind):.2f} s")
    return {
        "followup_cpu_ms_per_booking": Figure(total, "ms", with_worker.bookings, total, total),
        "followup_worker_cpu_ms_per_booking": Figure(python, "ms", with_worker.bookings, python, python),
        "freshness_p99_s": Figure(percentile(both, 0.99), "s", len(both), min(both), max(both)),
    }


class _Customers:
    """Customers of all tenants; every booking takes a slot of its own."""

    def __init__(self, tenants: list[Tenant]) -> None:
        self._tenants = tenants
        self._slots = [unused_slots(tenant) for tenant in tenants]
        self._headers = [[tenant.register_customer().headers for _ in range(CUSTOMERS)] for tenant in tenants]
        self._idle: list[KeepAliveConnection] = []
        self._booked = 0
        self.refused = 0
        """Requests that were refused for overload, as beside a slow disk; their bookings are repeated."""

    async def book(self) -> None:
        """Book one slot. Raises CommandError, also when the server is overloaded for long."""
        self._booked += 1
        which = self._booked % len(self._tenants)
        tenant = self._tenants[which]
        provider_id, starts_at = next(self._slots[which])
        authentication = self._headers[which][self._booked // len(self._tenants) % CUSTOMERS]
        body = tenant.booking(provider_id, starts_at)
        headers = {"Idempotency-Key": secrets.token_hex(16), **authentication}
        connection = self._idle.pop() if self._idle else KeepAliveConnection(HOST, tenant.port, {})
        path = f"/api/v1{tenant.path}/appointments"
        for _ in range(REPETITIONS):
            answer = await connection.request("POST", path, body, headers, seconds=REQUEST_SECONDS)
            if answer.status != 503:
                break
            self.refused += 1
            await asyncio.sleep(json.loads(answer.body)["retry_after"])
        self._idle.append(connection)
        if answer.status != 201:
            raise CommandError(f"a booking failed with status {answer.status}: {answer.body[:300]!r}")

    def close(self) -> None:
        for connection in self._idle:
            connection.close()
        self._idle = []


def _priced_tenant(port: int) -> Tenant:
    tenant = open_tenant(port, PROVIDERS // BUSINESSES, ROUND_THE_CLOCK)
    price = {"offering_id": tenant.offering_id, "amount_minor": PRICE_MINOR}
    tenant.owner.call("PUT", f"{tenant.path}/prices", price)
    return tenant


def _book_for(
    customers: _Customers, processes: Mapping[str, int], seconds: float, settle: Callable[[], None] = lambda: None
) -> BookingPeriod:
    began_at, before = datetime.now(UTC), cpu_seconds(processes)
    bookings = asyncio.run(_book_steadily(customers, seconds))
    settle()
    return BookingPeriod(began_at, bookings, cpu_seconds_between(before, cpu_seconds(processes)))


async def _book_steadily(customers: _Customers, seconds: float) -> int:
    """Start bookings on schedule, regardless of how long others take; return their number."""
    bookings = max(1, int(RATE * seconds))
    began = time.monotonic()
    pending = []
    for number in range(bookings):
        await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
        pending.append(asyncio.create_task(customers.book()))
    await asyncio.gather(*pending)
    customers.close()
    return bookings


def _wait_until_done(url: str) -> None:
    """Wait until every event of the outbox is applied and every mail is handed over."""
    until = time.monotonic() + DRAIN_SECONDS
    with psycopg.connect(url, autocommit=True) as database:
        while database.execute(_WAITING).fetchone() != (0,):
            if time.monotonic() > until:
                raise CommandError(f"follow-up work was not done after {DRAIN_SECONDS:g} s")
            time.sleep(0.25)


def _lags(url: str, since: datetime) -> list[Lag]:
    with psycopg.connect(url) as database:
        rows = database.execute(_LAGS, (since,)).fetchall()
    return [Lag(float(invoice), float(mail)) for invoice, mail in rows]


_WAITING = """
SELECT (SELECT count(*) FROM scheduling.outbox o
         WHERE NOT EXISTS (SELECT FROM billing.inbox i WHERE i.event_id = o.event_id)
            OR NOT EXISTS (SELECT FROM notifications.inbox i WHERE i.event_id = o.event_id))
     + (SELECT count(*) FROM notifications.message WHERE state = 'pending')
"""
_LAGS = """
SELECT extract(epoch FROM i.issued_at - o.recorded_at), extract(epoch FROM m.sent_at - o.recorded_at)
  FROM scheduling.outbox o
  JOIN billing.invoice i USING (business_id, appointment_id)
  JOIN notifications.message m USING (business_id, appointment_id)
 WHERE o.recorded_at >= %s AND m.kind = 'confirmation' AND m.sent_at IS NOT NULL
"""
