from random import Random
from urllib.parse import parse_qs, urlsplit

import pytest

from loadtests.generator.api_client import LoadError
from loadtests.generator.businesses import Credentials, LoadBusiness, read_business_file
from loadtests.generator.journeys import (
    BACKGROUND_RATES,
    JOURNEYS,
    SCHEDULING_MIX,
    SESSION_MIX,
    SESSIONS,
    ApiRequest,
    plan_arrivals,
    steps_of,
)
from loadtests.generator.visits import BusinessState, LoadVisit

SLOT = {"provider_id": "p1", "starts_at": "2035-01-01T09:00:00Z", "ends_at": "2035-01-01T09:30:00Z"}
BOOKED = {"appointment_id": "a1", "provider_id": "p1", "version": 1}


@pytest.fixture
def state() -> BusinessState:
    someone = Credentials("a@example.test", "secret")
    business = LoadBusiness("shop", "http", "o1", ["p1", "p2"], someone, [someone], [someone])
    return BusinessState(business, cookies=["session=1", "session=2"], staff_cookie="session=staff")


def visit_of(state: BusinessState) -> LoadVisit:
    return LoadVisit(state, Random(1))


def build(name: str, state: BusinessState) -> ApiRequest | None:
    return JOURNEYS[name].build_request(visit_of(state))


def respond(name: str, state: BusinessState, request: ApiRequest, answer: dict[str, object]) -> None:
    JOURNEYS[name].handle_response(visit_of(state), request, answer)


@pytest.mark.parametrize("mix", [SCHEDULING_MIX, SESSION_MIX])
def test_ratio_of_searches_to_bookings_is_eight(mix: dict[str, float]) -> None:
    requests = [(journey, weight) for name, weight in mix.items() for journey in steps_of(name)]
    searches = sum(weight for journey, weight in requests if journey == "search")
    bookings = sum(weight for journey, weight in requests if journey in ("book", "confirm"))
    assert searches / bookings == 8
    assert sum(mix.values()) == 100


def test_mixes_use_every_journey() -> None:
    used = {journey for name in (*SESSION_MIX, *BACKGROUND_RATES) for journey in steps_of(name)}
    assert used == set(JOURNEYS)
    assert {JOURNEYS[name].module for name in SCHEDULING_MIX} == {"scheduling"}
    assert "scheduling" not in {JOURNEYS[name].module for name in BACKGROUND_RATES}


def test_search_covers_one_day(state: BusinessState) -> None:
    request = build("search", state)
    assert request is not None
    query = parse_qs(urlsplit(request.path).query)
    assert urlsplit(request.path).path == "/api/v1/businesses/shop/slots"
    assert query["start"][0].endswith("T00:00:00+00:00")
    assert request.cookie is None


@pytest.mark.parametrize("name", ["book", "hold", "confirm", "cancel", "reschedule"])
def test_no_request_is_built_without_data(name: str, state: BusinessState) -> None:
    assert build(name, state) is None


def test_booking_uses_a_slot_from_a_search(state: BusinessState) -> None:
    respond("search", state, ApiRequest("GET", "/"), {"slots": [SLOT]})
    request = build("book", state)
    assert request is not None
    assert request.body == {"offering_id": "o1", "provider_id": "p1", "starts_at": "2035-01-01T09:00:00Z"}
    assert request.cookie in state.cookies


def test_booking_is_canceled_once_by_the_same_customer(state: BusinessState) -> None:
    respond("book", state, ApiRequest("POST", "/", "session=2"), BOOKED)
    request = build("cancel", state)
    assert request == ApiRequest("POST", "/api/v1/businesses/shop/appointments/a1/cancel", "session=2", {})
    assert build("cancel", state) is None


def test_appointment_is_rescheduled_repeatedly_to_offered_times(state: BusinessState) -> None:
    respond("search", state, ApiRequest("GET", "/"), {"slots": [SLOT]})
    respond("book", state, ApiRequest("POST", "/", "session=2"), BOOKED)
    request = build("reschedule", state)
    assert request is not None
    assert request.body == {"starts_at": SLOT["starts_at"], "expected_version": 1}
    respond("reschedule", state, request, {**BOOKED, "version": 2})
    again = build("reschedule", state)
    assert again is not None
    assert again.body == {"starts_at": SLOT["starts_at"], "expected_version": 2}


def test_session_holds_a_slot_of_its_own_search_and_confirms_it(state: BusinessState) -> None:
    """A slot that only other visits were offered is not held."""
    respond("search", state, ApiRequest("GET", "/"), {"slots": [{**SLOT, "starts_at": "2035-01-02T09:00:00Z"}]})
    visit, requests = visit_of(state), []
    answers: list[dict[str, object]] = [{"slots": [SLOT]}, {**BOOKED, "status": "held"}, {**BOOKED}]
    for name, answer in zip(SESSIONS["reserve"], answers, strict=True):
        request = JOURNEYS[name].build_request(visit)
        assert request is not None
        JOURNEYS[name].handle_response(visit, request, answer)
        requests.append(request)
    _, hold, confirm = requests
    assert hold.path == "/api/v1/businesses/shop/holds"
    assert hold.body == {"offering_id": "o1", "provider_id": "p1", "starts_at": "2035-01-01T09:00:00Z"}
    assert (confirm.path, confirm.cookie) == ("/api/v1/businesses/shop/appointments/a1/confirm", hold.cookie)
    assert build("cancel", state) is not None


@pytest.mark.parametrize("name", ["search", "book", "hold"])
def test_response_with_another_structure_is_refused(name: str, state: BusinessState) -> None:
    with pytest.raises((KeyError, TypeError)):
        respond(name, state, ApiRequest("GET", "/"), {"slots": None})


@pytest.mark.parametrize("content, message", [(None, "missing"), ("{}", "damaged"), ("no json", "damaged")])
def test_unreadable_business_file_gives_a_one_line_error(
    content: str | None, message: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("load") / "load.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(LoadError, match=message):
        read_business_file(path)


def test_equal_arguments_give_equal_arrivals() -> None:
    assert plan_arrivals(60, 30, seed=1) == plan_arrivals(60, 30, seed=1)


def test_background_does_not_depend_on_the_scheduling_rate() -> None:
    def background(rate: float) -> list[float]:
        return [arrival.at for arrival in plan_arrivals(rate, 30, seed=1) if arrival.journey in BACKGROUND_RATES]

    assert background(10) == background(200)


def test_rate_is_that_of_scheduling_at_the_peak() -> None:
    plateau = [a for a in plan_arrivals(100, 100, seed=1) if 30 <= a.at < 70 and a.journey in SCHEDULING_MIX]
    assert len(plateau) / 40 == pytest.approx(100, rel=0.1)
