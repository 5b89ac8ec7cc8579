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

from loadtests.generator.arrivals import Arrival, Shape, peak_hour, schedule, steady
from loadtests.generator.businesses import Business
from loadtests.generator.hot_slots import Favourites

DAYS_AHEAD = 28
REMEMBERED = 500


class Request(NamedTuple):
    """`cookie` shows who asks; None for a passer-by. A write is made once, under a key of its own."""

    method: str
    path: str
    cookie: str | None = None
    body: Mapping[str, Any] | None = None


class Offer(NamedTuple):
    provider_id: str
    starts_at: str


class Appointment(NamedTuple):
    appointment_id: str
    provider_id: str
    version: int
    cookie: str | None


@dataclass
class Premises:
    """One business as its customers know it: what was offered lately, what they booked. Shared by all greenlets.

    With `favourites` bookers want those few slots; else any that was offered.
    """

    business: Business
    cookies: list[str]
    staff_cookie: str
    offers: deque[Offer] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    appointments: deque[Appointment] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    favourites: Favourites[Offer] | None = None

    @property
    def path(self) -> str:
        return f"/api/v1/businesses/{self.business.slug}"


Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Journey:
    """`ask` answers None while there is nothing to ask about, such as nothing to cancel. `learn` is told the answer of
    a request that succeeded."""

    module: str
    ask: Callable[[Premises, Random], Request | None]
    learn: Callable[[Premises, Request, Answer], None] = lambda _premises, _request, _answer: None


def search(premises: Premises, chance: Random) -> Request:
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
    return Request("GET", f"{premises.path}/slots?{urlencode(query)}")


def _learn_slots(premises: Premises, _request: Request, answer: Answer) -> None:
    offered = [Offer(slot["provider_id"], slot["starts_at"]) for slot in answer["slots"][:20]]
    premises.offers.extend(offered)
    if premises.favourites is not None:
        premises.favourites.learn(offered)


def book(premises: Premises, chance: Random) -> Request | None:
    if premises.favourites is not None:
        offer = premises.favourites.choose(chance)
    else:
        offer = chance.choice(premises.offers) if premises.offers else None
    if offer is None:
        return None
    body = {"offering_id": premises.business.offering_id, **offer._asdict()}
    return Request("POST", f"{premises.path}/appointments", chance.choice(premises.cookies), body)


def _learn_booked(premises: Premises, request: Request, answer: Answer) -> None:
    booked = Appointment(answer["appointment_id"], answer["provider_id"], answer["version"], request.cookie)
    premises.appointments.append(booked)


def cancel(premises: Premises, _chance: Random) -> Request | None:
    """The appointment that was booked first."""
    if not premises.appointments:
        return None
    booked = premises.appointments.popleft()
    return Request("POST", f"{premises.path}/appointments/{booked.appointment_id}/cancel", booked.cookie, {})


def reschedule(premises: Premises, chance: Random) -> Request | None:
    """To another time that was offered for the same provider."""
    if not premises.appointments:
        return None
    booked = premises.appointments.popleft()
    times = [offer.starts_at for offer in premises.offers if offer.provider_id == booked.provider_id]
    if not times:
        return None
    body = {"starts_at": chance.choice(times), "expected_version": booked.version}
    return Request("POST", f"{premises.path}/appointments/{booked.appointment_id}/reschedule", booked.cookie, body)


def agenda(premises: Premises, chance: Random) -> Request:
    """A provider's next week, as the back office shows it."""
    start = datetime.now(UTC).replace(microsecond=0)
    query = urlencode({"start": start.isoformat(), "end": (start + timedelta(days=7)).isoformat()})
    provider_id = chance.choice(premises.business.providers)
    return Request("GET", f"{premises.path}/providers/{provider_id}/agenda?{query}", premises.staff_cookie)


def login(premises: Premises, chance: Random) -> Request:
    who = chance.choice(premises.business.visitors)
    return Request("POST", "/api/v1/login", None, {"email": who.email, "password": who.password})


def me(premises: Premises, chance: Random) -> Request:
    return Request("GET", "/api/v1/me", chance.choice(premises.cookies))


def prices(premises: Premises, _chance: Random) -> Request:
    return Request("GET", f"{premises.path}/prices")


def invoices(premises: Premises, chance: Random) -> Request:
    return Request("GET", f"{premises.path}/invoices", chance.choice(premises.cookies))


def preferences(premises: Premises, chance: Random) -> Request:
    return Request("GET", f"{premises.path}/notification-preferences", chance.choice(premises.cookies))


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
HAMMERED: Mapping[str, float] = {"search": 80, "book": 10, "cancel": 3, "reschedule": 2, "agenda": 5}
# Per second, the same throughout: what the peak does to these is what it does to everybody else. Enough of each module
# that ten seconds have a 95th percentile.
TRICKLE: Mapping[str, float] = {"login": 0.5, "me": 5.5, "prices": 3.0, "invoices": 3.0, "preferences": 6.0}


def plan(rate: float, seconds: float, seed: int, shape: Shape = peak_hour) -> list[Arrival]:
    """An hour of `rate` scheduling requests a second at its height, over a trickle of everything else.

    The same arguments, the same arrivals: that is how two topologies are compared.
    """
    total = sum(HAMMERED.values())
    hammered = {name: rate * weight / total for name, weight in HAMMERED.items()}
    return sorted([*schedule(hammered, shape, seconds, seed), *schedule(TRICKLE, steady, seconds, seed)])
