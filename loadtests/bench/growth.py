"""search_growth and booking_growth: median latency with many appointments, relative to that with the fewest."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle

from deploy.errors import CommandError
from deploy.seed.business import SeededBusiness
from loadtests.bench.figures import Figure, ratio_figure
from loadtests.bench.output import echo
from loadtests.bench.timing import alternating_medians
from loadtests.generator.estimates import percentile, positive
from loadtests.harness.bench_servers import running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.tenants import TenantClient, non_overlapping, search_slots, seed_businesses, sign_in_owner

APPOINTMENTS_PER_BUSINESS = 10_000
WARM_UP = 50


@dataclass(frozen=True, slots=True)
class SizedProduct:
    """A running product with `size` appointments, and the calls to one business in the middle of them."""

    size: int
    search: Callable[[], object]
    book: Callable[[], object]


def measure(cores: Cores, sizes: Sequence[int], blocks: int, calls: int) -> dict[str, Figure]:
    """Call with one client, one call at a time. Products of all sizes run in parallel and alternate call by call."""
    with contextlib.ExitStack() as running:
        products = [running.enter_context(_running_product(cores, size)) for size in sizes]
        with cores.generating_load():
            alternating_medians([product.search for product in products], WARM_UP)
            alternating_medians([product.book for product in products], WARM_UP)
            searches = [alternating_medians([product.search for product in products], calls) for _ in range(blocks)]
            bookings = [alternating_medians([product.book for product in products], calls) for _ in range(blocks)]
    echo(f"{'appointments':<24} {'search':>10} {'booking':>10}")
    for number, size in enumerate(sizes):
        search, booking = (percentile([block[number] for block in kind], 0.5) * 1000 for kind in (searches, bookings))
        echo(f"{size:<24,} {search:>7.2f} ms {booking:>7.2f} ms")
    return {
        "search_growth": ratio_figure(positive([block[-1] / block[0] for block in searches])),
        "booking_growth": ratio_figure(positive([block[-1] / block[0] for block in bookings])),
    }


@contextlib.contextmanager
def _running_product(cores: Cores, size: int) -> Iterator[SizedProduct]:
    with running_bench_servers(cores) as servers:
        servers.start_databases("monolith")
        began = time.monotonic()
        count = max(1, size // APPOINTMENTS_PER_BUSINESS)
        businesses = seed_businesses(servers, count, size, report=lambda line: echo(f"  {size:,}: {line}"))
        echo(f"{f'seeding {size:,}':<24} {time.monotonic() - began:.0f} s")
        business = businesses[count // 2]
        yield _sized_product(size, business, sign_in_owner(servers.start_monolith().port, business))


def _sized_product(size: int, business: SeededBusiness, owner: TenantClient) -> SizedProduct:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight + timedelta(days=number) for number in range(60)]
    targets = cycle([(provider.provider_id, day) for day in days for provider in business.providers])
    free = (
        slot
        for provider in business.providers
        for slot in non_overlapping(search_slots(owner, business, provider.provider_id, days[1], days=60))
    )

    def search() -> object:
        provider_id, day = next(targets)
        return search_slots(owner, business, provider_id, day, days=1)

    def book() -> object:
        slot = next(free, None)
        if slot is None:
            raise CommandError("growth ran out of free slots: reduce the calls in loadtests/bench/__main__.py")
        body = {
            "offering_id": str(business.services[0].offering_id),
            "provider_id": slot["provider_id"],
            "starts_at": slot["starts_at"],
            "customer_id": str(business.owner_id),
        }
        return owner.call("POST", f"/businesses/{business.slug}/appointments", body)

    return SizedProduct(size, search, book)
