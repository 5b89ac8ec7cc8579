"""User journeys: one request each, built from the responses of earlier ones.

The ratio of searches to bookings is 8 to 1. Bookings choose from the slots that searches returned, so they collide as
in production: another customer may have booked first, and the response is a conflict.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
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
    """`cookie` authenticates the user; None for anonymous requests. Each write gets an idempotency key of its own."""

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
    """The generator's knowledge of one business: recently offered slots and booked appointments.

    Shared by all greenlets. With `hot_slots`, bookings choose among those, else among all offered slots. `day_weights`
    are the weights of the next days among searches, tomorrow first.
    """

    business: LoadBusiness
    cookies: list[str]
    staff_cookie: str
    offers: deque[OfferedSlot] = field(default_factory=lambda: deque(maxlen=MAX_REMEMBERED))
    appointments: deque[BookedAppointment] = field(default_factory=lambda: deque(maxlen=MAX_REMEMBERED))
    hot_slots: HotSlots[OfferedSlot] | None = None
    day_weights: Sequence[float] = (1.0,) * DAYS_AHEAD

    @property
    def path(self) -> str:
        return f"/api/v1/businesses/{self.business.slug}"


ResponseBody = Mapping[str, Any]


@dataclass(frozen=True)
class Journey:
    """`build_request` returns None while it has no data, such as an appointment to cancel. `handle_response` receives
    the body of a successful response."""

    module: str
    build_request: Callable[[BusinessState, Random], ApiRequest | None]
    handle_response: Callable[[BusinessState, ApiRequest, ResponseBody], None] = lambda _state, _request, _answer: None


def search(state: BusinessState, chance: Random) -> ApiRequest:
    """Search one day, of one provider or of all."""
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day += timedelta(days=chance.choices(range(1, DAYS_AHEAD + 1), state.day_weights)[0])
    business = state.business
    query = {
        "offering_id": business.offering_id,
        "start": day.isoformat(),
        "end": (day + timedelta(days=1)).isoformat(),
    }
    if chance.random() < 0.5:
        query["provider_id"] = chance.choice(business.providers)
    return ApiRequest("GET", f"{state.path}/slots?{urlencode(query)}")


def _remember_slots(state: BusinessState, _request: ApiRequest, answer: ResponseBody) -> None:
    offered = [OfferedSlot(slot["provider_id"], slot["starts_at"]) for slot in answer["slots"][:20]]
    state.offers.extend(offered)
    if state.hot_slots is not None:
        state.hot_slots.add(offered)


def book(state: BusinessState, chance: Random) -> ApiRequest | None:
    if state.hot_slots is not None:
        offer = state.hot_slots.choose(chance)
    else:
        offer = chance.choice(state.offers) if state.offers else None
    if offer is None:
        return None
    body = {"offering_id": state.business.offering_id, **offer._asdict()}
    return ApiRequest("POST", f"{state.path}/appointments", chance.choice(state.cookies), body)


def _remember_booking(state: BusinessState, request: ApiRequest, answer: ResponseBody) -> None:
    booked = BookedAppointment(answer["appointment_id"], answer["provider_id"], answer["version"], request.cookie)
    state.appointments.append(booked)


def cancel(state: BusinessState, _chance: Random) -> ApiRequest | None:
    """Cancel the oldest booking."""
    if not state.appointments:
        return None
    booked = state.appointments.popleft()
    return ApiRequest("POST", f"{state.path}/appointments/{booked.appointment_id}/cancel", booked.cookie, {})


def reschedule(state: BusinessState, chance: Random) -> ApiRequest | None:
    """Reschedule the oldest booking to another offered time of the same provider."""
    if not state.appointments:
        return None
    booked = state.appointments.popleft()
    times = [offer.starts_at for offer in state.offers if offer.provider_id == booked.provider_id]
    if not times:
        return None
    body = {"starts_at": chance.choice(times), "expected_version": booked.version}
    return ApiRequest("POST", f"{state.path}/appointments/{booked.appointment_id}/reschedule", booked.cookie, body)


def agenda(state: BusinessState, chance: Random) -> ApiRequest:
    """Read a provider's next week, as the back office does."""
    start = datetime.now(UTC).replace(microsecond=0)
    query = urlencode({"start": start.isoformat(), "end": (start + timedelta(days=7)).isoformat()})
    provider_id = chance.choice(state.business.providers)
    return ApiRequest("GET", f"{state.path}/providers/{provider_id}/agenda?{query}", state.staff_cookie)


def login(state: BusinessState, chance: Random) -> ApiRequest:
    visitor = chance.choice(state.business.visitors)
    return ApiRequest("POST", "/api/v1/login", None, {"email": visitor.email, "password": visitor.password})


def me(state: BusinessState, chance: Random) -> ApiRequest:
    return ApiRequest("GET", "/api/v1/me", chance.choice(state.cookies))


def prices(state: BusinessState, _chance: Random) -> ApiRequest:
    return ApiRequest("GET", f"{state.path}/prices")


def invoices(state: BusinessState, chance: Random) -> ApiRequest:
    return ApiRequest("GET", f"{state.path}/invoices", chance.choice(state.cookies))


def preferences(state: BusinessState, chance: Random) -> ApiRequest:
    return ApiRequest("GET", f"{state.path}/notification-preferences", chance.choice(state.cookies))


JOURNEYS: Mapping[str, Journey] = {
    "search": Journey("scheduling", search, _remember_slots),
    "book": Journey("scheduling", book, _remember_booking),
    "cancel": Journey("scheduling", cancel),
    "reschedule": Journey("scheduling", reschedule, _remember_booking),
    "agenda": Journey("scheduling", agenda),
    "login": Journey("auth", login),
    "me": Journey("auth", me),
    "prices": Journey("billing", prices),
    "invoices": Journey("billing", invoices),
    "preferences": Journey("notifications", preferences),
}

SCHEDULING_MIX: Mapping[str, float] = {"search": 80, "book": 10, "cancel": 3, "reschedule": 2, "agenda": 5}
"""Shares of the scheduling requests, in percent."""
BACKGROUND_RATES: Mapping[str, float] = {"login": 0.5, "me": 5.5, "prices": 3.0, "invoices": 3.0, "preferences": 6.0}
"""Constant rates of the other modules, per second: they show the effect of the peak on its neighbours.

High enough that ten seconds of each module have a 95th percentile.
"""


def zipf_weights(exponent: float) -> list[float]:
    """Return the weights of the next days by Zipf's law, tomorrow first; equal weights for exponent 0."""
    return [1 / rank**exponent for rank in range(1, DAYS_AHEAD + 1)]


def plan_arrivals(
    rate: float,
    seconds: float,
    seed: int,
    shape: Shape = peak_hour,
    *,
    mix: Mapping[str, float] = SCHEDULING_MIX,
    background: Mapping[str, float] = BACKGROUND_RATES,
) -> list[Arrival]:
    """Return the arrivals of a run: `rate` scheduling requests a second at full rate, and the background.

    Equal arguments give equal arrivals, so that two topologies can be compared.
    """
    total = sum(mix.values())
    scheduling = {name: rate * weight / total for name, weight in mix.items()}
    others = poisson_schedule(background, constant_rate, seconds, seed)
    return sorted([*poisson_schedule(scheduling, shape, seconds, seed), *others])
