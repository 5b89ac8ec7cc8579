"""search_growth and booking_growth: medians with many appointments, by those with ten thousand."""

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from deploy.errors import CommandError
from deploy.seed.business import SeededBusiness
from deploy.seed.plan import SeedPlan
from deploy.seed.seeding import seed
from loadtests.bench.figures import Figure, ratio_figure
from loadtests.bench.output import echo
from loadtests.generator.estimates import percentile, positive
from loadtests.harness.bench_servers import running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.tenants import TenantClient

OF_ONE_BUSINESS = 10_000
WARM_UP = 50


@dataclass(frozen=True, slots=True)
class SizedProduct:
    """A product with so many appointments, and what it is asked about a business in their middle."""

    size: int
    search: Callable[[], object]
    book: Callable[[], object]


def measure(cores: Cores, sizes: Sequence[int], blocks: int, calls: int) -> dict[str, Figure]:
    """One client, one call at a time. All sizes stand side by side, and take turns call by call."""
    with contextlib.ExitStack() as running:
        grown = [running.enter_context(_product(cores, size)) for size in sizes]
        with cores.for_generator():
            _medians([of.search for of in grown], WARM_UP)
            _medians([of.book for of in grown], WARM_UP)
            searches = [_medians([of.search for of in grown], calls) for _ in range(blocks)]
            bookings = [_medians([of.book for of in grown], calls) for _ in range(blocks)]
    echo(f"{'appointments':<24} {'search':>10} {'booking':>10}")
    for number, size in enumerate(sizes):
        search, booking = (
            percentile([block[number] for block in blocks_of], 0.5) * 1000 for blocks_of in (searches, bookings)
        )
        echo(f"{size:<24,} {search:>7.2f} ms {booking:>7.2f} ms")
    return {
        "search_growth": ratio_figure(positive([block[-1] / block[0] for block in searches])),
        "booking_growth": ratio_figure(positive([block[-1] / block[0] for block in bookings])),
    }


@contextlib.contextmanager
def _product(cores: Cores, size: int) -> Iterator[SizedProduct]:
    with running_bench_servers(cores) as servers:
        servers.start_databases("monolith")
        target, password = servers.target("monolith"), secrets.token_urlsafe(12)
        plan = SeedPlan(max(1, size // OF_ONE_BUSINESS), size, seed=1, side="in_process", week=_monday())
        began = time.monotonic()
        seed(plan, target, target, password=password, say=lambda line: echo(f"  {size:,}: {line}"))
        echo(f"{f'seeding {size:,}':<24} {time.monotonic() - began:.0f} s")
        business = SeededBusiness(plan, plan.businesses // 2)
        owner = TenantClient(servers.start_monolith().port)
        owner.ask("POST", "/login", {"email": plan.owner_email(business.index), "password": password})
        yield _grown(size, business, owner)


def _grown(size: int, business: SeededBusiness, owner: TenantClient) -> SizedProduct:
    at = f"/businesses/{business.slug}"
    service = business.services[0]
    days = [datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=n) for n in range(60)]
    ways = _turns([(worker.provider_id, day) for day in days for worker in business.workers])

    def search(first: datetime, provider_id: object, length: int = 1) -> list[dict[str, str]]:
        query = f"offering_id={service.offering_id}&provider_id={provider_id}"
        window = f"start={first:%Y-%m-%dT%H:%M:%SZ}&end={first + timedelta(days=length):%Y-%m-%dT%H:%M:%SZ}"
        found: list[dict[str, str]] = owner.ask("GET", f"{at}/slots?{query}&{window}")["slots"]
        return found

    free = _apart(slot for worker in business.workers for slot in search(days[1], worker.provider_id, 60))

    def search_one() -> object:
        provider_id, day = next(ways)
        return search(day, provider_id)

    def book() -> object:
        slot = next(free, None)
        if slot is None:
            raise CommandError("growth ran out of free slots: ask for fewer calls in loadtests/bench/growth.py")
        body = {
            "offering_id": str(service.offering_id),
            "provider_id": slot["provider_id"],
            "starts_at": slot["starts_at"],
            "customer_id": str(business.plan.id_of("growth")),
        }
        return owner.ask("POST", f"{at}/appointments", body)

    return SizedProduct(size, search_one, book)


def _turns(ways: Sequence[tuple[object, datetime]]) -> Iterator[tuple[object, datetime]]:
    while True:
        yield from ways


def _apart(slots: Iterator[dict[str, str]]) -> Iterator[dict[str, str]]:
    """No two of one provider's that overlap: those on the full hour."""
    return (slot for slot in slots if slot["starts_at"][14:16] in ("00", "30"))


def _medians(asks: Sequence[Callable[[], object]], calls: int) -> list[float]:
    took: list[list[float]] = [[] for _ in asks]
    for _ in range(calls):
        for ask, times in zip(asks, took, strict=True):
            began = time.perf_counter()
            ask()
            times.append(time.perf_counter() - began)
    return [percentile(times, 0.5) for times in took]


def _monday() -> date:
    today = datetime.now(UTC).date()
    return today - timedelta(days=today.weekday())
