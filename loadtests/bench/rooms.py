"""rooms110_month_ms and rooms110_overview_ms: search where the service also needs one of many rooms.

A month of any of 50 providers, through the public API, with either adapter; the curve from 1 to 200 rooms is printed.
"""

import secrets
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from loadtests.bench.figures import Figure
from loadtests.bench.http_overhead import ADAPTERS, set_adapter_flag
from loadtests.bench.output import echo
from loadtests.bench.timing import alternating_medians, search_call
from loadtests.harness.bench_servers import running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.tenants import OFFICE_HOURS, Tenant, open_tenant

PROVIDERS = 50
ROOMS = (1, 10, 50, 110, 200)
QUICK_ROOMS = (1, 110)
FIGURE_ROOMS = 110
BOOKINGS = 100
DAYS = 31
FIRST_DAY = datetime(2035, 3, 5, tzinfo=UTC)
WARM_UP = 2


def measure(cores: Cores, quick: bool) -> dict[str, Figure]:
    """Each request alone, by one client."""
    figures: dict[str, Figure] = {}
    with running_bench_servers(cores) as servers:
        servers.start_databases("monolith", "scheduling")
        servers.start_scheduling()
        port = servers.start_monolith().port
        for adapter in ADAPTERS:
            set_adapter_flag(servers, adapter)
            for rooms in QUICK_ROOMS if quick else ROOMS:
                tenant = open_tenant(port, PROVIDERS, OFFICE_HOURS)
                offering_id = _offering_with_room(tenant, rooms)
                calls = [search_call(port, path) for path in _paths(tenant, offering_id)]
                with cores.generating_load():
                    alternating_medians(calls, WARM_UP)
                    month, overview = (1000 * each for each in alternating_medians(calls, 5 if quick else 15))
                echo(f"{adapter:<12} {rooms:>4} rooms: month {month:>7.1f} ms, overview {overview:>7.1f} ms")
                if rooms == FIGURE_ROOMS:
                    figures[f"rooms110_month_ms_{adapter}"] = Figure(month, "ms", 1, month, month)
                    figures[f"rooms110_overview_ms_{adapter}"] = Figure(overview, "ms", 1, overview, overview)
    return figures


def _offering_with_room(tenant: Tenant, rooms: int) -> str:
    """Add an offering that needs a room, rooms, and some bookings; return the offering's id."""
    owner, path = tenant.owner, tenant.path
    for number in range(rooms):
        owner.call("POST", f"{path}/resources", {"name": f"Room {number}", "kind": "room"})
    wanted = {"name": "With a room", "duration_minutes": 30, "needs": [{"kind": "room", "quantity": 1}]}
    offering_id = str(owner.call("POST", f"{path}/offerings", wanted)["offering_id"])
    for provider_id in tenant.providers:
        ids = {"offering_ids": [tenant.offering_id, offering_id]}
        owner.call("PUT", f"{path}/providers/{provider_id}/offerings", ids)
    customer = tenant.register_customer()
    for number in range(BOOKINGS):
        # One booking at a time, so that a single room suffices.
        starts_at = FIRST_DAY + timedelta(days=number % DAYS, hours=9, minutes=30 * (number // DAYS))
        booking = {
            "offering_id": offering_id,
            "provider_id": tenant.providers[number % PROVIDERS],
            "starts_at": starts_at.isoformat(),
        }
        customer.call("POST", f"{path}/appointments", booking, secrets.token_hex(16))
    return offering_id


def _paths(tenant: Tenant, offering_id: str) -> list[str]:
    end = FIRST_DAY + timedelta(days=DAYS)
    window = {"offering_id": offering_id, "start": FIRST_DAY.isoformat(), "end": end.isoformat()}
    days = {"offering_id": offering_id, "first": FIRST_DAY.date().isoformat(), "days": DAYS}
    root = f"/api/v1{tenant.path}"
    return [f"{root}/slots?{urlencode(window)}", f"{root}/overview?{urlencode(days)}"]
