"""Searches through the whole monolith, each against one indexed query through bare Flask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, product
from typing import Any
from urllib.parse import urlencode

from deploy.devstack.ports import HOST
from deploy.errors import SurroundingsError
from loadtests.bench.figures import Figure, of_ratio
from loadtests.bench.interleaving import Contender, Plan, compare
from loadtests.bench.output import say
from loadtests.bench.sql_recording import record
from loadtests.harness.bench_servers import Stand, Web, stand
from loadtests.harness.cores import Cores
from loadtests.harness.saturation import render
from loadtests.harness.tenants import OFFICE, Shop, open_shop

DAY = datetime(2035, 5, 9, tzinfo=UTC)
MONTH = 31
PROVIDERS = 10
BOOKINGS = 50
# On the days before and after too: every other half hour of the office hours is taken.
BOOKED = [DAY + timedelta(days=day, hours=9 + hour) for day, hour in product(range(-3, 4), range(8))][:BOOKINGS]


@dataclass(frozen=True, slots=True)
class Search:
    """One figure: what is asked of which shop, and how many slots (or days with room) must be the answer."""

    figure: str
    words: str
    providers: int
    path: Callable[[Shop], str]
    answer: Callable[[Mapping[str, Any]], int]
    expected: int


def _slots(answer: Mapping[str, Any]) -> int:
    return len(answer["slots"])


def _days_with_room(answer: Mapping[str, Any]) -> int:
    return sum(day["has_room"] for day in answer["days"])


def search_path(shop: Shop) -> str:
    """One provider's day."""
    return _slots_path(shop, days=1, provider_id=shop.providers[0])


def _slots_path(shop: Shop, *, days: int, **of: str) -> str:
    query = {
        "offering_id": shop.offering_id,
        **of,
        "start": DAY.isoformat(),
        "end": (DAY + timedelta(days=days)).isoformat(),
    }
    return f"{shop.path}/slots?{urlencode(query)}"


def _overview_path(shop: Shop) -> str:
    query = {"offering_id": shop.offering_id, "first": DAY.date().isoformat(), "days": MONTH}
    return f"{shop.path}/overview?{urlencode(query)}"


_TAKEN_THAT_DAY = sum(at.date() == DAY.date() for at in BOOKED)
_TAKEN_SINCE = sum(at >= DAY for at in BOOKED)
SEARCHES = (
    Search("search_vs_floor", "one provider, one day", 1, search_path, _slots, 16 - _TAKEN_THAT_DAY),
    Search(
        "any10_day_vs_floor",
        "any of ten, one day",
        PROVIDERS,
        lambda shop: _slots_path(shop, days=1),
        _slots,
        16 * PROVIDERS - _TAKEN_THAT_DAY,
    ),
    Search(
        "month_vs_floor",
        "one provider, one month",
        1,
        lambda shop: _slots_path(shop, days=MONTH, provider_id=shop.providers[0]),
        _slots,
        16 * MONTH - _TAKEN_SINCE,
    ),
    Search("overview10_vs_floor", "a month of ten at a glance", PROVIDERS, _overview_path, _days_with_room, MONTH),
)


def measure(cores: Cores, plan: Plan) -> dict[str, Figure]:
    """50 bookings around the day, in process. The number of queries must be the same for every search."""
    figures: dict[str, Figure] = {}
    with stand(cores) as servers:
        servers.start_databases("monolith")
        product = servers.start_monolith()
        shops = {count: open_shop(product.port, count, OFFICE) for count in (1, PROVIDERS)}
        booked = [_fill(shop) for shop in shops.values()]
        floor = _floor(servers, shops[1], booked[0])
        _require_constant_queries(servers, shops)
        for search in SEARCHES:
            shop = shops[search.providers]
            _require_right_answer(search, shop)
            outcome = compare(_subject(servers, product, search, shop), floor, plan, cores)
            for line in outcome.lines(search.words, "one query, bare Flask"):
                say(line)
            figures[search.figure] = of_ratio(outcome.ratio)
    return figures


def _fill(shop: Shop) -> list[str]:
    return [shop.book(shop.owner, shop.providers[0], at)["appointment_id"] for at in BOOKED]


def _require_right_answer(search: Search, shop: Shop) -> None:
    """A fast wrong answer is worth nothing."""
    found = search.answer(shop.owner.ask("GET", search.path(shop)))
    if found != search.expected:
        raise SurroundingsError(f"{search.words}: the answer has {found} where there should be {search.expected}")


def _require_constant_queries(servers: Stand, shops: Mapping[int, Shop]) -> None:
    """By the server's own log, once caches are filled: as many for a month of ten providers as for one's day."""

    def asking(search: Search) -> Callable[[], object]:
        return lambda: shops[search.providers].owner.ask("GET", search.path(shops[search.providers]))

    acts = [asking(search) for search in SEARCHES]
    for act in acts:
        act()
    found = record(servers.postgres["monolith"].admin_url(), servers.statements("monolith"), [*acts, *acts])
    counts = {
        search.words: sum(statement.role == "scheduling_app" for statement in statements)
        for search, statements in zip(SEARCHES, found[len(acts) :], strict=True)
    }
    if set(counts.values()) != {1}:
        raise SurroundingsError(f"a search asks its database once, whatever the days and providers; found: {counts}")
    say(f"{'queries of a search':<24} 1, whatever the days and providers")


def _subject(servers: Stand, product: Web, search: Search, shop: Shop) -> Contender:
    request = render("GET", "/api/v1" + search.path(shop), host=f"{HOST}:{product.port}", headers={})
    return Contender(search.words, product.port, cycle([request]), 200, _processes(servers, product))


def _floor(servers: Stand, shop: Shop, appointments: list[str]) -> Contender:
    paths = [f"/businesses/{shop.business_id}/appointments/{appointment_id}" for appointment_id in appointments]
    web = servers.start_floor("search_floor", {"database_url": servers.target("monolith").url}, paths[0])
    requests = [render("GET", path, host=f"{HOST}:{web.port}", headers={}) for path in paths]
    return Contender("the floor", web.port, cycle(requests), 200, _processes(servers, web))


def _processes(servers: Stand, web: Web) -> dict[str, int]:
    return {"web": web.pid, "Postgres": servers.postgres_pid("monolith")}
