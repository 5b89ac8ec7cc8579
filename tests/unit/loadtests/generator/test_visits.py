"""The choices of a visit: the same schedule brings the same choices to two systems, at any response times."""

from random import Random

from loadtests.generator.businesses import Credentials, LoadBusiness
from loadtests.generator.journeys import JOURNEYS, ApiRequest
from loadtests.generator.visits import (
    MAX_REMEMBERED,
    BookedAppointment,
    BusinessState,
    LoadVisit,
    OfferedSlot,
    begin_visit,
)

SOMEONE = Credentials("a@example.test", "secret")
OFFERED = [
    OfferedSlot(f"p{hour % 2}", f"2035-01-{day:02}T{hour:02}:00:00Z") for day in range(1, 11) for hour in range(8, 18)
]


def new_state(slug: str = "shop") -> BusinessState:
    business = LoadBusiness(slug, "http", "o1", ["p0", "p1"], SOMEONE, [SOMEONE], [SOMEONE])
    return BusinessState(business, [f"session={number}" for number in range(8)], "session=staff")


def build(journey: str, states: list[BusinessState], arrival: int, seed: int = 1) -> ApiRequest | None:
    return JOURNEYS[journey].build_request(begin_visit(states, seed, arrival))


def test_choices_depend_on_the_seed_and_the_arrival_only() -> None:
    """One stream shared by all arrivals would give each arrival another choice after any difference in timing."""
    in_order = [build("search", [new_state()], arrival) for arrival in range(50)]
    reversed_order = [build("search", [new_state()], arrival) for arrival in reversed(range(50))]
    assert in_order == reversed_order[::-1]
    assert len({request.path for request in in_order if request}) > 20
    assert in_order != [build("search", [new_state()], arrival, seed=2) for arrival in range(50)]


def test_businesses_and_customers_are_chosen_by_the_arrival() -> None:
    states = [new_state("one"), new_state("two")]
    found = [build("me", states, arrival) for arrival in range(100)]
    again = [build("me", states, arrival) for arrival in range(100)]
    assert found == again
    assert len({request.cookie for request in found if request}) == 8


def test_equal_offers_give_equal_bookings_in_any_order() -> None:
    one, other = new_state(), new_state()
    one.remember_offers(OFFERED)
    other.remember_offers(Random(3).sample(OFFERED, len(OFFERED)))
    assert [build("book", [one], arrival) for arrival in range(50)] == [
        build("book", [other], arrival) for arrival in range(50)
    ]


def test_offer_that_only_one_system_made_changes_few_choices() -> None:
    """Choosing by position would change nearly all of them."""
    one, other = new_state(), new_state()
    one.remember_offers(OFFERED)
    other.remember_offers(OFFERED[1:])
    changed = sum(build("book", [one], arrival) != build("book", [other], arrival) for arrival in range(500))
    assert 0 < changed < 500 * 5 / len(OFFERED)


def test_choices_do_not_depend_on_the_ids_of_providers() -> None:
    one, other = new_state(), new_state()
    renamed = {"p0": "x", "p1": "a"}
    other.business = LoadBusiness("shop", "http", "o1", ["x", "a"], SOMEONE, [SOMEONE], [SOMEONE])
    one.remember_offers(OFFERED)
    other.remember_offers([slot._replace(provider_id=renamed[slot.provider_id]) for slot in OFFERED])
    for arrival in range(50):
        mine, theirs = build("book", [one], arrival), build("book", [other], arrival)
        assert mine is not None
        assert theirs is not None
        assert mine.body is not None
        assert theirs.body == {**mine.body, "provider_id": renamed[mine.body["provider_id"]]}


def test_preferences_are_spread_evenly() -> None:
    state = new_state()
    state.remember_offers(OFFERED)
    chosen = [str(build("book", [state], arrival)) for arrival in range(2_000)]
    most = max(chosen.count(each) for each in set(chosen))
    assert len(set(chosen)) > 90
    assert most < 4 * 2_000 / len(OFFERED)


def test_oldest_offers_and_bookings_are_forgotten() -> None:
    state = new_state()
    for number in range(MAX_REMEMBERED + 10):
        state.remember_offers([OfferedSlot("p0", f"start {number}")])
        state.remember_booking(number, BookedAppointment(f"a{number}", "p0", 1, None))
    assert len(state.offers) == len(state.appointments) == MAX_REMEMBERED
    assert next(iter(state.appointments)) == 10


def test_visit_keeps_its_customer() -> None:
    visit = LoadVisit(new_state(), Random(1))
    assert visit.cookie == visit.cookie
