from random import Random
from urllib.parse import parse_qs, urlsplit

import pytest

from loadtests.generator.api_client import LoadError
from loadtests.generator.businesses import Credentials, LoadBusiness, read_business_file
from loadtests.generator.journeys import (
    BACKGROUND_RATES,
    JOURNEYS,
    SCHEDULING_MIX,
    ApiRequest,
    BusinessState,
    plan_arrivals,
)

SLOT = {"provider_id": "p1", "starts_at": "2035-01-01T09:00:00Z", "ends_at": "2035-01-01T09:30:00Z"}
BOOKED = {"appointment_id": "a1", "provider_id": "p1", "version": 1}


@pytest.fixture
def premises() -> BusinessState:
    someone = Credentials("a@example.test", "secret")
    business = LoadBusiness("shop", "http", "o1", ["p1", "p2"], someone, [someone], [someone])
    return BusinessState(business, cookies=["session=1", "session=2"], staff_cookie="session=staff")


def ask(name: str, premises: BusinessState) -> ApiRequest | None:
    return JOURNEYS[name].ask(premises, Random(1))


def test_search_is_to_book_as_eight_to_one() -> None:
    assert SCHEDULING_MIX["search"] / SCHEDULING_MIX["book"] == 8
    assert SCHEDULING_MIX.keys() | BACKGROUND_RATES.keys() == JOURNEYS.keys()
    assert SCHEDULING_MIX.keys() == {name for name, journey in JOURNEYS.items() if journey.module == "scheduling"}


def test_a_search_asks_for_one_whole_day_ahead(premises: BusinessState) -> None:
    request = ask("search", premises)
    assert request is not None
    query = parse_qs(urlsplit(request.path).query)
    assert urlsplit(request.path).path == "/api/v1/businesses/shop/slots"
    assert query["start"][0].endswith("T00:00:00+00:00")
    assert request.cookie is None


@pytest.mark.parametrize("name", ["book", "cancel", "reschedule"])
def test_nothing_is_asked_before_there_is_something_to_ask_about(name: str, premises: BusinessState) -> None:
    assert ask(name, premises) is None


def test_what_a_search_lists_is_what_is_booked(premises: BusinessState) -> None:
    JOURNEYS["search"].learn(premises, ApiRequest("GET", "/"), {"slots": [SLOT]})
    request = ask("book", premises)
    assert request is not None
    assert request.body == {"offering_id": "o1", "provider_id": "p1", "starts_at": "2035-01-01T09:00:00Z"}
    assert request.cookie in premises.cookies


def test_who_booked_is_who_cancels_and_only_once(premises: BusinessState) -> None:
    JOURNEYS["book"].learn(premises, ApiRequest("POST", "/", "session=2"), BOOKED)
    request = ask("cancel", premises)
    assert request == ApiRequest("POST", "/api/v1/businesses/shop/appointments/a1/cancel", "session=2", {})
    assert ask("cancel", premises) is None


def test_an_appointment_moves_to_a_time_that_was_offered_and_can_move_again(premises: BusinessState) -> None:
    JOURNEYS["search"].learn(premises, ApiRequest("GET", "/"), {"slots": [SLOT]})
    JOURNEYS["book"].learn(premises, ApiRequest("POST", "/", "session=2"), BOOKED)
    request = ask("reschedule", premises)
    assert request is not None
    assert request.body == {"starts_at": SLOT["starts_at"], "expected_version": 1}
    JOURNEYS["reschedule"].learn(premises, request, {**BOOKED, "version": 2})
    again = ask("reschedule", premises)
    assert again is not None
    assert again.body == {"starts_at": SLOT["starts_at"], "expected_version": 2}


@pytest.mark.parametrize("content, message", [(None, "missing"), ("{}", "damaged"), ("no json", "damaged")])
def test_a_description_that_cannot_be_read_is_one_line(
    content: str | None, message: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("load") / "load.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(LoadError, match=message):
        read_business_file(path)


def test_both_topologies_get_the_same_arrivals() -> None:
    assert plan_arrivals(60, 30, seed=1) == plan_arrivals(60, 30, seed=1)


def test_the_trickle_is_the_same_however_hard_scheduling_is_hammered() -> None:
    def trickle(rate: float) -> list[float]:
        return [arrival.at for arrival in plan_arrivals(rate, 30, seed=1) if arrival.journey in BACKGROUND_RATES]

    assert trickle(10) == trickle(200)


def test_the_rate_is_that_of_scheduling_at_the_height_of_the_hour() -> None:
    height = [a for a in plan_arrivals(100, 100, seed=1) if 30 <= a.at < 70 and a.journey in SCHEDULING_MIX]
    assert len(height) / 40 == pytest.approx(100, rel=0.1)
