"""What people ask for: one request each, made from what earlier answers have shown.

Search is to book as 8 to 1. What a search lists is what a later booking asks for, so bookings meet as they do in life:
somebody else may have been faster, and the answer is a conflict.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlencode

from loadtests.generator.arrivals import Arrival, Shape, constant_rate, peak_hour, poisson_schedule
from loadtests.generator.businesses import LoadBusiness
from loadtests.generator.hot_slots import HotSlots

DAYS_AHEAD = 28
MAX_REMEMBERED = 500


class ApiRequest(NamedTuple):
    """`cookie` shows who asks; None for a passer-by. A write is made once, under a key of its own."""

    method: str
    path: str
    cookie: str | None = None
    body: Mapping[str, Any] | None = None


class OfferedSlot(NamedTuple):
    provider_id: str
    starts_at: str


class BookedAppointment(NamedTuple):
    appointment_id: str
    provider_id: str
    version: int
    cookie: str | None


@dataclass
class BusinessState:
    """One business as its customers know it: what was offered lately, what they booked. Shared by all greenlets.

    With `favourites` bookers want those few slots; else any that was offered.
    """

    business: LoadBusiness
    cookies: list[str]
    staff_cookie: str
    offers: deque[OfferedSlot] = field(default_factory=lambda: deque(maxlen=MAX_REMEMBERED))
    appointments: deque[BookedAppointment] = field(default_factory=lambda: deque(maxlen=MAX_REMEMBERED))
    favourites: HotSlots[OfferedSlot] | None = None

    @property
    def path(self) -> str:
        return f"/api/v1/businesses/{self.business.slug}"


ResponseBody = Mapping[str, Any]


@dataclass(frozen=True)
class Journey:
    """`ask` answers None while there is nothing to ask about, such as nothing to cancel. `learn` is told the answer of
    a request that succeeded."""

    module: str
    ask: Callable[[BusinessState, Random], ApiRequest | None]
    learn: Callable[[BusinessState, ApiRequest, ResponseBody], None] = lambda _premises, _request, _answer: None


def search(premises: BusinessState, chance: Random) -> ApiRequest:
    """One day; of one provider, or of all."""
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day += timedelta(days=chance.randint(1, DAYS_AHEAD))
    business = premises.business
    query = {
        "offering_id": business.offering_id,
        "start": day.isoformat(),
        "end": (day + timedelta(days=1)).isoformat(),
    }
    if chance.random() < 0.5:
        query["provider_id"] = chance.choice(business.providers)
    return ApiRequest("GET", f"{premises.path}/slots?{urlencode(query)}")


def _learn_slots(premises: BusinessState, _request: ApiRequest, answer: ResponseBody) -> None:
    offered = [OfferedSlot(slot["provider_id"], slot["starts_at"]) for slot in answer["slots"][:20]]
    premises.offers.extend(offered)
    if premises.favourites is not None:
        premises.favourites.learn(offered)


def book(premises: BusinessState, chance: Random) -> ApiRequest | None:
    if premises.favourites is not None:
        offer = premises.favourites.choose(chance)
    else:
        offer = chance.choice(premises.offers) if premises.offers else None
    if offer is None:
        return None
    body = {"offering_id": premises.business.offering_id, **offer._asdict()}
    return ApiRequest("POST", f"{premises.path}/appointments", chance.choice(premises.cookies), body)


def _learn_booked(premises: BusinessState, request: ApiRequest, answer: ResponseBody) -> None:
    booked = BookedAppointment(answer["appointment_id"], answer["provider_id"], answer["version"], request.cookie)
    premises.appointments.append(booked)


def cancel(premises: BusinessState, _chance: Random) -> ApiRequest | None:
    """The appointment that was booked first."""
    if not premises.appointments:
        return None
    booked = premises.appointments.popleft()
    return ApiRequest("POST", f"{premises.path}/appointments/{booked.appointment_id}/cancel", booked.cookie, {})


def reschedule(premises: BusinessState, chance: Random) -> ApiRequest | None:
    """To another time that was offered for the same provider."""
    if not premises.appointments:
        return None
    booked = premises.appointments.popleft()
    times = [offer.starts_at for offer in premises.offers if offer.provider_id == booked.provider_id]
    if not times:
        return None
    body = {"starts_at": chance.choice(times), "expected_version": booked.version}
    return ApiRequest("POST", f"{premises.path}/appointments/{booked.appointment_id}/reschedule", booked.cookie, body)


def agenda(premises: BusinessState, chance: Random) -> ApiRequest:
    """A provider's next week, as the back office shows it."""
    start = datetime.now(UTC).replace(microsecond=0)
    query = urlencode({"start": start.isoformat(), "end": (start + timedelta(days=7)).isoformat()})
    provider_id = chance.choice(premises.business.providers)
    return ApiRequest("GET", f"{premises.path}/providers/{provider_id}/agenda?{query}", premises.staff_cookie)


def login(premises: BusinessState, chance: Random) -> ApiRequest:
    who = chance.choice(premises.business.visitors)
    return ApiRequest("POST", "/api/v1/login", None, {"email": who.email, "password": who.password})


def me(premises: BusinessState, chance: Random) -> ApiRequest:
    return ApiRequest("GET", "/api/v1/me", chance.choice(premises.cookies))


def prices(premises: BusinessState, _chance: Random) -> ApiRequest:
    return ApiRequest("GET", f"{premises.path}/prices")


def invoices(premises: BusinessState, chance: Random) -> ApiRequest:
    return ApiRequest("GET", f"{premises.path}/invoices", chance.choice(premises.cookies))


def preferences(premises: BusinessState, chance: Random) -> ApiRequest:
    return ApiRequest("GET", f"{premises.path}/notification-preferences", chance.choice(premises.cookies))


JOURNEYS: Mapping[str, Journey] = {
    "search": Journey("scheduling", search, _learn_slots),
    "book": Journey("scheduling", book, _learn_booked),
    "cancel": Journey("scheduling", cancel),
    "reschedule": Journey("scheduling", reschedule, _learn_booked),
    "agenda": Journey("scheduling", agenda),
    "login": Journey("auth", login),
    "me": Journey("auth", me),
    "prices": Journey("billing", prices),
    "invoices": Journey("billing", invoices),
    "preferences": Journey("notifications", preferences),
}

# Of a hundred scheduling requests at the peak.
SCHEDULING_MIX: Mapping[str, float] = {"search": 80, "book": 10, "cancel": 3, "reschedule": 2, "agenda": 5}
# Per second, the same throughout: what the peak does to these is what it does to everybody else. Enough of each module
# that ten seconds have a 95th percentile.
BACKGROUND_RATES: Mapping[str, float] = {"login": 0.5, "me": 5.5, "prices": 3.0, "invoices": 3.0, "preferences": 6.0}


def plan_arrivals(rate: float, seconds: float, seed: int, shape: Shape = peak_hour) -> list[Arrival]:
    """An hour of `rate` scheduling requests a second at its height, over a trickle of everything else.

    The same arguments, the same arrivals: that is how two topologies are compared.
    """
    total = sum(SCHEDULING_MIX.values())
    hammered = {name: rate * weight / total for name, weight in SCHEDULING_MIX.items()}
    return sorted(
        [
            *poisson_schedule(hammered, shape, seconds, seed),
            *poisson_schedule(BACKGROUND_RATES, constant_rate, seconds, seed),
        ]
    )
