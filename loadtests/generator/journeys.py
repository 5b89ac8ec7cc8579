"""User journeys: single requests, sessions of several, and how many of each arrive.

In the default mix the ratio of searches to bookings is 8 to 1. Bookings choose from the slots that searches returned,
so they collide as in production: another customer may have booked first, and the response is a conflict.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from loadtests.generator.arrivals import Arrival, Shape, constant_rate, numbered, peak_hour, poisson_schedule
from loadtests.generator.visits import DAYS_AHEAD, BookedAppointment, LoadVisit, OfferedSlot

OFFERS_READ: Final = 20
"""A visitor reads only the first slots of a search."""


class ApiRequest(NamedTuple):
    """`cookie` authenticates the user; None for anonymous requests. Each write gets an idempotency key of its own."""

    method: str
    path: str
    cookie: str | None = None
    body: Mapping[str, Any] | None = None


ResponseBody = Mapping[str, Any]


@dataclass(frozen=True)
class Journey:
    """One request. `build_request` returns None while it has no data, such as an appointment to cancel.

    `handle_response` receives the body of a successful response, and raises KeyError, TypeError or ValueError for one
    with another structure.
    """

    module: str
    build_request: Callable[[LoadVisit], ApiRequest | None]
    handle_response: Callable[[LoadVisit, ApiRequest, ResponseBody], None] = lambda _visit, _request, _answer: None


def search(visit: LoadVisit) -> ApiRequest:
    """Search one day, of one provider or of all."""
    state, chance = visit.state, visit.chance
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


def _remember_slots(visit: LoadVisit, _request: ApiRequest, answer: ResponseBody) -> None:
    read = [OfferedSlot(slot["provider_id"], slot["starts_at"]) for slot in answer["slots"][:OFFERS_READ]]
    visit.offers = visit.state.remember_offers(read)


def book(visit: LoadVisit) -> ApiRequest | None:
    """Book a slot that some search returned."""
    return _take_slot(visit, "appointments", visit.state.offers)


def hold(visit: LoadVisit) -> ApiRequest | None:
    """Hold a slot that the visit's own search returned."""
    return _take_slot(visit, "holds", visit.offers)


def _take_slot(visit: LoadVisit, resource: str, offers: Mapping[int, OfferedSlot]) -> ApiRequest | None:
    state = visit.state
    if state.hot_slots is not None:
        slot = state.hot_slots.choose(visit.chance)
    else:
        key = visit.preferred(offers)
        slot = None if key is None else offers[key]
    if slot is None:
        return None
    body = {"offering_id": state.business.offering_id, **slot._asdict()}
    return ApiRequest("POST", f"{state.path}/{resource}", visit.cookie, body)


def _remember_hold(visit: LoadVisit, request: ApiRequest, answer: ResponseBody) -> None:
    visit.held = BookedAppointment(answer["appointment_id"], answer["provider_id"], answer["version"], request.cookie)


def confirm(visit: LoadVisit) -> ApiRequest | None:
    """Confirm the slot that the visit holds."""
    if visit.held is None:
        return None
    path = f"{visit.state.path}/appointments/{visit.held.appointment_id}/confirm"
    return ApiRequest("POST", path, visit.held.cookie, {})


def _remember_booking(visit: LoadVisit, request: ApiRequest, answer: ResponseBody) -> None:
    booked = BookedAppointment(answer["appointment_id"], answer["provider_id"], answer["version"], request.cookie)
    visit.state.remember_booking(visit.arrival, booked)


def _pop_booking(visit: LoadVisit) -> BookedAppointment | None:
    key = visit.preferred(visit.state.appointments)
    return None if key is None else visit.state.appointments.pop(key)


def cancel(visit: LoadVisit) -> ApiRequest | None:
    """Cancel a booking of this run."""
    booked = _pop_booking(visit)
    if booked is None:
        return None
    return ApiRequest("POST", f"{visit.state.path}/appointments/{booked.appointment_id}/cancel", booked.cookie, {})


def reschedule(visit: LoadVisit) -> ApiRequest | None:
    """Reschedule a booking of this run to another offered time of the same provider."""
    booked = _pop_booking(visit)
    if booked is None:
        return None
    offers = {key: offer for key, offer in visit.state.offers.items() if offer.provider_id == booked.provider_id}
    key = visit.preferred(offers)
    if key is None:
        return None
    body = {"starts_at": offers[key].starts_at, "expected_version": booked.version}
    return ApiRequest(
        "POST", f"{visit.state.path}/appointments/{booked.appointment_id}/reschedule", booked.cookie, body
    )


def agenda(visit: LoadVisit) -> ApiRequest:
    """Read a provider's next week, as the back office does."""
    state, start = visit.state, datetime.now(UTC).replace(microsecond=0)
    query = urlencode({"start": start.isoformat(), "end": (start + timedelta(days=7)).isoformat()})
    provider_id = visit.chance.choice(state.business.providers)
    return ApiRequest("GET", f"{state.path}/providers/{provider_id}/agenda?{query}", state.staff_cookie)


def login(visit: LoadVisit) -> ApiRequest:
    visitor = visit.chance.choice(visit.state.business.visitors)
    return ApiRequest("POST", "/api/v1/login", None, {"email": visitor.email, "password": visitor.password})


def me(visit: LoadVisit) -> ApiRequest:
    return ApiRequest("GET", "/api/v1/me", visit.cookie)


def prices(visit: LoadVisit) -> ApiRequest:
    return ApiRequest("GET", f"{visit.state.path}/prices")


def invoices(visit: LoadVisit) -> ApiRequest:
    return ApiRequest("GET", f"{visit.state.path}/invoices", visit.cookie)


def preferences(visit: LoadVisit) -> ApiRequest:
    return ApiRequest("GET", f"{visit.state.path}/notification-preferences", visit.cookie)


JOURNEYS: Mapping[str, Journey] = {
    "search": Journey("scheduling", search, _remember_slots),
    "book": Journey("scheduling", book, _remember_booking),
    "hold": Journey("scheduling", hold, _remember_hold),
    "confirm": Journey("scheduling", confirm, _remember_booking),
    "cancel": Journey("scheduling", cancel),
    "reschedule": Journey("scheduling", reschedule, _remember_booking),
    "agenda": Journey("scheduling", agenda),
    "login": Journey("auth", login),
    "me": Journey("auth", me),
    "prices": Journey("billing", prices),
    "invoices": Journey("billing", invoices),
    "preferences": Journey("notifications", preferences),
}

SESSIONS: Mapping[str, Sequence[str]] = {"reserve": ("search", "hold", "confirm")}
"""Visits of several requests, in this order. A request that fails ends the session."""
THINK_SECONDS: Final = 1.0
"""Mean of the exponential time between a response and the session's next request."""

SCHEDULING_MIX: Mapping[str, float] = {"search": 80, "book": 10, "cancel": 3, "reschedule": 2, "agenda": 5}
"""Shares of the scheduling arrivals, in percent: single requests, independent of each other."""
SESSION_MIX: Mapping[str, float] = {"search": 79, "reserve": 9, "book": 2, "cancel": 3, "reschedule": 2, "agenda": 5}
"""The same ratio of searches to bookings, with most bookings made in sessions."""
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
    """Return the arrivals of a run: `rate` scheduling arrivals a second at full rate, and the background.

    `mix` has weights of journeys and sessions. Equal arguments give equal arrivals, so that two topologies can be
    compared.
    """
    total = sum(mix.values())
    scheduling = {name: rate * weight / total for name, weight in mix.items()}
    others = poisson_schedule(background, constant_rate, seconds, seed)
    return numbered(sorted([*poisson_schedule(scheduling, shape, seconds, seed), *others]))


def steps_of(name: str) -> Sequence[str]:
    """Return the requests of a session, or the one request of a journey. Raises KeyError."""
    if name in SESSIONS:
        return SESSIONS[name]
    if name not in JOURNEYS:
        raise KeyError(name)
    return (name,)


def module_of(name: str) -> str:
    """Return the module of a journey or of a session's first request. Raises KeyError."""
    return JOURNEYS[steps_of(name)[0]].module
