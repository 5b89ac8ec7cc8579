"""office_day: time of the back office's day view with 10 providers and 120 appointments, on each adapter."""

import time
from datetime import UTC, datetime, timedelta

import requests

from deploy.devstack.ports import HOST
from deploy.errors import CommandError
from loadtests.bench.figures import Figure, duration_figure
from loadtests.bench.http_overhead import ADAPTERS, one_tenant_per_adapter
from loadtests.bench.output import echo
from loadtests.harness.bench_servers import running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.tenants import Tenant

DAY = datetime(2035, 5, 9, tzinfo=UTC)
PROVIDERS = 10
APPOINTMENTS = 120
_WARM_UP = 20


def measure(cores: Cores, calls: int) -> dict[str, Figure]:
    """Open the page repeatedly with one client, and compare the number of appointments with what was booked."""
    figures = {}
    with running_bench_servers(cores) as servers:
        for adapter, tenant in zip(ADAPTERS, one_tenant_per_adapter(servers, PROVIDERS), strict=True):
            _fill(tenant)
            seconds = _time_page(tenant, calls)
            figures[f"office_day_{adapter}"] = duration_figure(seconds)
            echo(f"day view, {adapter:<12} median {sorted(seconds)[calls // 2] * 1000:>6.1f} ms")
    return figures


def _fill(tenant: Tenant) -> None:
    customer = tenant.register_customer()
    for number in range(APPOINTMENTS):
        slot, provider = divmod(number, PROVIDERS)
        at = DAY + timedelta(hours=9, minutes=30 * slot)
        tenant.book(customer, tenant.providers[provider], at)


def _time_page(tenant: Tenant, calls: int) -> list[float]:
    url = f"http://{HOST}:{tenant.port}/office/{tenant.slug}/day?date={DAY.date()}"
    session, seconds = requests.Session(), []
    for number in range(_WARM_UP + calls):
        started = time.perf_counter()
        page = session.get(url, headers=tenant.owner.headers, timeout=30).text
        if number >= _WARM_UP:
            seconds.append(time.perf_counter() - started)
    shown = page.count("data-move=")
    if shown != APPOINTMENTS:
        raise CommandError(f"the page shows {shown} appointments instead of {APPOINTMENTS}")
    return seconds
