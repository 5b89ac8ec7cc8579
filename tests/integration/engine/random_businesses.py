"""Random small businesses, each planned first, so that a failure shows the plan."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from contracts.scheduling import models as m
from contracts.scheduling.errors import SlotUnavailable
from tests.contract.port.appointments import hold
from tests.contract.port.shop import MONDAY, Shop, hours
from tests.integration.engine.race_invariants import expire
from tests.integration.engine.workbench import Workbench

Window = tuple[datetime, datetime]
DAYS = [MONDAY, datetime(2040, 3, 25, tzinfo=UTC), datetime(2040, 10, 28, tzinfo=UTC)]
"""An ordinary one, and those on which Europe's clocks change."""
NEAR = timedelta(hours=3)
ROOM = (m.ResourceNeed(kind="room"),)


@dataclass(frozen=True)
class Service:
    rules: Mapping[str, Any]
    performers: Sequence[int]


@dataclass(frozen=True)
class Worker:
    zone: str
    opens: int
    closes: int
    """In minutes after midnight."""


@dataclass(frozen=True)
class Earlier:
    """An earlier event at a free start of a service, in or near the window; `choice` selects the start."""

    what: str
    service: int
    choice: int


@dataclass(frozen=True)
class Plan:
    services: Sequence[Service]
    workers: Sequence[Worker]
    rooms: int
    earlier: Sequence[Earlier]
    window: Window


@st.composite
def plans(draw: DrawFn) -> Plan:
    opens, workers = draw(st.sampled_from([0, 60, 9 * 60, 22 * 60])), draw(st.integers(1, 3))
    # Some windows start or end during working hours, and events around them matter too.
    start = draw(st.sampled_from(DAYS)) + timedelta(minutes=opens + draw(st.integers(-180, 120)))
    what = st.sampled_from(["booked", "booked by the customer", "held", "overdue", "blocked"])
    services = draw(st.lists(service(workers), min_size=2, max_size=3))
    earlier = st.builds(Earlier, what, st.sampled_from(range(len(services))), st.integers(0, 100))
    return Plan(
        services=services,
        workers=[draw(worker(opens)) for _ in range(workers)],
        rooms=draw(st.integers(1, 2)),
        earlier=draw(st.lists(earlier, max_size=5)),
        window=(start, start + timedelta(hours=draw(st.sampled_from([30, 3, 40])))),
    )


@st.composite
def worker(draw: DrawFn, opens: int) -> Worker:
    zone = draw(st.sampled_from(["Europe/Paris", "Europe/Paris", "Europe/Lisbon"]))
    begins = opens + draw(st.sampled_from([0, 30, 50]))
    return Worker(zone, begins, begins + draw(st.sampled_from([300, 240, 110])))


@st.composite
def service(draw: DrawFn, workers: int) -> Service:
    """A service with at most one special rule."""
    buffer = st.sampled_from([0, 0, 5, 15])
    rules = {
        "duration_minutes": draw(st.sampled_from([30, 10, 10, 25, 60])),
        "step_minutes": draw(st.sampled_from([30, 20, 45])),
        "buffer_before_minutes": draw(buffer),
        "buffer_after_minutes": draw(buffer),
        "assignment": draw(st.sampled_from(["round_robin", "weighted", "most_free"])),
    }
    limits = [m.Limits(provider_day=1), m.Limits(customer_day=1), m.Limits(provider_week=3, customer_week=2)]
    rules |= draw(
        st.one_of(
            st.just({}),
            st.just({"needs": ROOM}),
            st.just({"capacity": 2}),
            st.just({"assignment": "collective"}),
            st.sampled_from([{"limits": each} for each in limits]),
        )
    )
    every = range(workers)
    some = st.sets(st.sampled_from(every), min_size=1).map(sorted)
    return Service(rules, draw(st.one_of(st.just(list(every)), some)))


# ---- on a real database


@dataclass(frozen=True)
class SmallShop:
    shop: Shop
    offerings: Sequence[m.Offering]
    """In the order of the plan."""
    providers: Sequence[m.Provider]


def open_small(bench: Workbench, plan: Plan) -> SmallShop:
    """Open a planned business, without its earlier events."""
    shop = bench.shop(**plan.services[0].rules)
    more = [shop.add_offering(f"Service {n}", assign=False, **each.rules) for n, each in enumerate(plan.services[1:])]
    offerings = [shop.offering, *more]
    providers = []
    for n, each in enumerate(plan.workers):
        provider = shop.add_provider(f"Provider {n}", zone=each.zone)
        performed = [of for of, service in zip(offerings, plan.services, strict=True) if n in service.performers]
        shop.assign(*performed, provider=provider)
        providers.append(shop.work(hours(_wall(each.opens), _wall(each.closes)), provider=provider))
    # The provider that every shop has from the start.
    shop.assign()
    for n in range(plan.rooms):
        shop.add_resource(f"Room {n}")
    return SmallShop(shop, offerings, providers)


def _wall(minute: int) -> str:
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def let_happen(bench: Workbench, small: SmallShop, plan: Plan) -> None:
    start, end = plan.window
    for each in plan.earlier:
        offering = small.offerings[each.service]
        starts = small.shop.starts(start - NEAR, end + NEAR, offering_id=offering.offering_id)
        if starts:
            _happens(bench, small.shop, each.what, offering, starts[each.choice % len(starts)])


def _happens(bench: Workbench, shop: Shop, what: str, offering: m.Offering, start: datetime) -> None:
    if what == "blocked":
        shop.block(start, start + timedelta(minutes=20))
        return
    by = shop.customer if what == "booked by the customer" else shop.stranger
    anybody = {"offering_id": offering.offering_id, "provider_id": None}
    # A start listed without a customer may exceed a customer's limit.
    with suppress(SlotUnavailable):
        if what in ("held", "overdue"):
            held = hold(shop, start, by, **anybody)
            if what == "overdue":
                expire(bench, held)
        else:
            shop.book(start, by, **anybody)
