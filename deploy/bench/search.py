"""search_vs_floor: the public slot search through the whole monolith, against one indexed query through bare Flask."""

from datetime import UTC, datetime, timedelta
from itertools import cycle, product
from urllib.parse import urlencode

from deploy.bench.cores import Cores
from deploy.bench.figures import Figure, of_ratio
from deploy.bench.generator import render
from deploy.bench.output import say
from deploy.bench.pairs import Contender, Plan, compare
from deploy.bench.shop import OFFICE, Shop, open_shop
from deploy.bench.stand import Stand, Web, stand
from deploy.devstack.ports import HOST
from deploy.errors import SurroundingsError

DAY = datetime(2035, 5, 9, tzinfo=UTC)
BOOKINGS = 50
# On the days before and after too: every other half hour of the office hours is taken.
BOOKED = [DAY + timedelta(days=day, hours=9 + hour) for day, hour in product(range(-3, 4), range(8))][:BOOKINGS]


def measure(cores: Cores, plan: Plan) -> dict[str, Figure]:
    """One provider, one day, 50 bookings around it, in process."""
    with stand(cores) as servers:
        servers.start_databases("monolith")
        product = servers.start_monolith()
        shop = open_shop(product.port, 1, OFFICE)
        appointments = [shop.book(shop.owner, shop.providers[0], at)["appointment_id"] for at in BOOKED]
        _require_right_answer(shop)
        outcome = compare(_subject(servers, product, shop), _floor(servers, shop, appointments), plan, cores)
    for line in outcome.lines("slot search", "one query, bare Flask"):
        say(line)
    return {"search_vs_floor": of_ratio(outcome.ratio)}


def search_path(shop: Shop) -> str:
    """One provider's day."""
    query = {
        "offering_id": shop.offering_id,
        "provider_id": shop.providers[0],
        "start": DAY.isoformat(),
        "end": (DAY + timedelta(days=1)).isoformat(),
    }
    return f"{shop.path}/slots?{urlencode(query)}"


def _require_right_answer(shop: Shop) -> None:
    """A fast wrong answer is worth nothing."""
    taken = sum(at.date() == DAY.date() for at in BOOKED)
    found = len(shop.owner.ask("GET", search_path(shop))["slots"])
    if found != 16 - taken:
        raise SurroundingsError(f"slot search offers {found} of 16 half hours where {taken} are taken")


def _subject(servers: Stand, product: Web, shop: Shop) -> Contender:
    request = render("GET", "/api/v1" + search_path(shop), host=f"{HOST}:{product.port}", headers={})
    return Contender("slot search", product.port, cycle([request]), 200, _processes(servers, product))


def _floor(servers: Stand, shop: Shop, appointments: list[str]) -> Contender:
    paths = [f"/businesses/{shop.business_id}/appointments/{appointment_id}" for appointment_id in appointments]
    web = servers.start_floor("search_floor", {"database_url": servers.target("monolith").url}, paths[0])
    requests = [render("GET", path, host=f"{HOST}:{web.port}", headers={}) for path in paths]
    return Contender("the floor", web.port, cycle(requests), 200, _processes(servers, web))


def _processes(servers: Stand, web: Web) -> dict[str, int]:
    return {"web": web.pid, "Postgres": servers.postgres_pid("monolith")}
