"""booking_vs_floor: throughput of booking through the whole monolith, relative to the same SQL through bare Flask."""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice, pairwise, product

from contracts.chassis.credentials import role_url
from deploy.devstack.ports import HOST
from deploy.errors import CommandError
from loadtests.bench.figures import Figure, ratio_figure
from loadtests.bench.floor_server import start_floor
from loadtests.bench.interleaving import CONNECTIONS, BlockPlan, Contender, compare_throughput
from loadtests.bench.output import echo
from loadtests.bench.sql_recording import RecordedStatement, record_statements
from loadtests.bench.sql_replay import BookingRequest, StatementTemplate, build_template, without_transaction_control
from loadtests.harness.bench_servers import BenchServers, running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.raw_http import render_request
from loadtests.harness.saturation import saturate
from loadtests.harness.tenants import ROUND_THE_CLOCK, Tenant, TenantClient, open_tenant

FIRST_DAY = datetime(2035, 1, 1, tzinfo=UTC)
DAYS = 60
PROVIDERS = 50
ENGINE_ROLE = "scheduling_app"
RECORDED = 5

FreeSlots = Iterator[tuple[str, datetime]]


def measure(cores: Cores, plan: BlockPlan) -> dict[str, Figure]:
    """Book as customers, in process, each time in a slot of its own."""
    with running_bench_servers(cores) as servers:
        servers.start_databases("monolith")
        product = servers.start_monolith()
        tenant = open_tenant(product.port, PROVIDERS, ROUND_THE_CLOCK)
        customers = [tenant.register_customer() for _ in range(CONNECTIONS)]
        free = unused_slots(tenant)
        sql = _booking_sql(servers, tenant, customers[0], free)
        processes = {"web": product.pid, "Postgres": servers.postgres_pid("monolith")}
        subject = Contender("booking", product.port, booking_requests(tenant, customers, free), 201, processes)
        floor = _floor(servers, sql, tenant, free)
        outcome = compare_throughput(subject, floor, plan, cores)
    for line in (_describe(sql), *outcome.lines("booking", "its SQL, bare Flask")):
        echo(line)
    return {"booking_vs_floor": ratio_figure(outcome.ratio)}


def unused_slots(tenant: Tenant) -> FreeSlots:
    """Yield each slot once; the product and the floor book from the same iterator, since they share the table."""
    quarters = product(range(DAYS), range(96))
    for (day, quarter), provider_id in product(quarters, tenant.providers):
        yield provider_id, FIRST_DAY + timedelta(days=day, minutes=15 * quarter)
    raise CommandError("the bench ran out of free slots: increase DAYS in loadtests/bench/booking.py")


def booking_requests(tenant: Tenant, customers: Sequence[TenantClient], free: FreeSlots) -> Iterator[bytes]:
    """Yield rendered booking requests, with the customers taking turns."""
    headers = cycle([customer.headers for customer in customers])
    for (provider_id, starts_at), authentication in zip(free, headers, strict=False):
        yield _render(f"/api/v1{tenant.path}/appointments", tenant.port, tenant, provider_id, starts_at, authentication)


def _booking_sql(
    servers: BenchServers, tenant: Tenant, customer: TenantClient, free: FreeSlots
) -> list[StatementTemplate]:
    """Derive the SQL of a booking from two consecutive recorded ones that sent the same statements.

    Several are recorded because a booking that refreshes a cache sends more.
    """
    made: list[BookingRequest] = []

    def book() -> None:
        # Each booking has another provider and time; values common to two bookings count as constants.
        provider_id, starts_at = next(islice(free, len(tenant.providers), None))
        made.append(BookingRequest(provider_id, starts_at.isoformat(), secrets.token_hex(16)))
        tenant.book(customer, provider_id, starts_at, made[-1].key)

    admin_url, log = servers.postgres["monolith"].admin_url(), servers.statements("monolith")
    found = record_statements(admin_url, log, [book] * RECORDED)
    pairs = pairwise(list(zip(found, made, strict=True))[1:])
    one, other = next((pair for pair in pairs if _texts(pair[0][0]) == _texts(pair[1][0])), (None, None))
    if one is None or other is None:
        raise CommandError("no two consecutive bookings sent the same SQL, so no floor can replay it")
    steps = build_template(one[0], other[0], (one[1], other[1]))
    by_engine = [step for step in steps if step.role == ENGINE_ROLE]
    return [*without_transaction_control([step for step in steps if step.role != ENGINE_ROLE]), *by_engine]


def _render(
    path: str, port: int, tenant: Tenant, provider_id: str, starts_at: datetime, authentication: Mapping[str, str]
) -> bytes:
    headers = {"Idempotency-Key": secrets.token_hex(16), **authentication}
    body = json.dumps(tenant.booking(provider_id, starts_at)).encode()
    return render_request("POST", path, host=f"{HOST}:{port}", headers=headers, body=body)


def _floor(servers: BenchServers, sql: list[StatementTemplate], tenant: Tenant, free: FreeSlots) -> Contender:
    target = servers.target("monolith")
    urls = {role: role_url(target.url, role, target.role_secret) for role in {step.role for step in sql}}
    web = start_floor(servers, "booking_floor", {"database_urls": urls, "sql": sql}, "/ready")
    requests = (_render("/appointments", web.port, tenant, *slot, {}) for slot in free)
    processes = {"web": web.pid, "Postgres": servers.postgres_pid("monolith")}
    floor = Contender("the floor", web.port, requests, 201, processes)
    _require_same_sql(servers, floor, sql)
    return floor


def _require_same_sql(servers: BenchServers, floor: Contender, sql: list[StatementTemplate]) -> None:
    """Check in the server's statement log that the floor sends the SQL of a booking."""

    def book() -> None:
        saturate(floor.port, floor.requests, connections=1, seconds=0)  # one request

    admin_url, log = servers.postgres["monolith"].admin_url(), servers.statements("monolith")
    _, sent = record_statements(admin_url, log, [book, book])
    if _texts(sent) != [(step.role, step.sql) for step in sql]:
        raise CommandError("the booking floor does not send the SQL of a booking: see loadtests/bench/floors.py")


def _texts(statements: Sequence[RecordedStatement]) -> list[tuple[str, str]]:
    return [(statement.role, statement.sql) for statement in statements]


def _describe(sql: list[StatementTemplate]) -> str:
    engine = sum(step.role == ENGINE_ROLE for step in sql)
    return f"{'the SQL of one booking':<24} {len(sql) - engine} reads before, {engine} statements in its transaction"
