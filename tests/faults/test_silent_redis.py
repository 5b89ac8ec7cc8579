"""Fault 37: Redis accepts connections and never answers; bookings are as fast as usual."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit

import pytest

from loadtests.harness.tenants import ROUND_THE_CLOCK, Tenant, TenantClient, open_tenant
from monolith.shared.rate_limits.shared_buckets import LONGEST_SECONDS
from tests.databases import Databases
from tests.faults.http_site import site_on
from tests.faults.proxy import TcpProxy

BOOKINGS = 60
MONDAY = datetime(2035, 5, 7, tzinfo=UTC)


def seconds_of_bookings(tenant: Tenant, customer: TenantClient, first: datetime) -> list[float]:
    """Book one slot after the other, and return how long each took. Every booking must succeed."""
    seconds = []
    for number in range(BOOKINGS):
        began = time.monotonic()
        tenant.book(customer, tenant.providers[0], first + timedelta(minutes=15 * number))
        seconds.append(time.monotonic() - began)
    return seconds


@pytest.mark.row("F37")
@pytest.mark.long
@pytest.mark.parametrize("adapter", ["in_process", "http"])
def test_bookings_are_as_fast_as_usual_while_redis_is_silent(
    databases: Databases, tmp_path: Path, adapter: str
) -> None:
    url = urlsplit(databases.redis_url)
    assert url.hostname is not None
    assert url.port is not None
    with TcpProxy(url.hostname, url.port) as proxy:
        limits = {"RATE_LIMIT_REDIS_URL": url._replace(netloc=f"127.0.0.1:{proxy.port}").geturl()}
        with site_on(adapter, databases, tmp_path, **limits) as site:
            tenant = open_tenant(site.port, 1, ROUND_THE_CLOCK)
            customer = tenant.register_customer()
            seconds_of_bookings(tenant, customer, MONDAY)
            usual = seconds_of_bookings(tenant, customer, MONDAY + timedelta(days=1))
            with proxy.half_open():
                silent = seconds_of_bookings(tenant, customer, MONDAY + timedelta(days=2))
    assert quartile(silent) < 1.5 * quartile(usual) + 0.001
    waited = [each for each in silent if each > max(usual) + LONGEST_SECONDS / 2]
    assert len(waited) < BOOKINGS / 10, "each process waits once, not each booking"


def quartile(seconds: list[float]) -> float:
    """Return the lower quartile, which other programs on the machine disturb least."""
    return quantiles(seconds, n=4)[0]
