"""The engine's predicate agrees with the model: listed starts, bookable starts and reasons for refusals."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import Phase, given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from scheduling_service.engine.availability import (
    AvailabilityQuery,
    Occupancy,
    candidates_at,
    days_with_availability,
    free_slots,
    free_starts,
    rejection_reasons,
)
from scheduling_service.engine.hours import to_utc
from tests.hypothesis_profiles import examples
from tests.unit.engine.availability_model import MINUTE, Model, Person, Range
from tests.unit.engine.model_rules import occupancy_of, provider_id, query_of, resource_ids, session_id
from tests.unit.engine.random_cases import HOUR, cases, counts, sessions, things

Case = tuple[Model, Range]
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""Shrinking such a case takes minutes and makes it little plainer."""


@st.composite
def with_limits(draw: DrawFn) -> Case:
    model, window = draw(cases(most_people=2, hours=12))
    limit = st.one_of(st.none(), st.integers(1, 4))
    terms = replace(
        model.terms,
        provider_day=draw(limit),
        provider_week=draw(limit),
        customer_day=draw(limit),
        customer_week=draw(limit),
    )
    people = [replace(person, counts=draw(counts(window[0], model.zone))) for person in model.people]
    return replace(model, terms=terms, people=people, counts=draw(counts(window[0], model.zone))), window


@st.composite
def with_resources(draw: DrawFn) -> Case:
    model, window = draw(cases(most_people=2, hours=12))
    needs = draw(st.dictionaries(st.sampled_from(["room", "laser"]), st.integers(1, 2), min_size=1, max_size=2))
    return replace(model, terms=replace(model.terms, needs=needs), things=draw(things(window[0]))), window


@st.composite
def with_seats(draw: DrawFn) -> Case:
    model, window = draw(with_resources() if draw(st.booleans()) else with_limits())
    terms = replace(model.terms, capacity=4, seats=draw(st.integers(1, 4)))
    model = replace(model, terms=terms)
    return replace(model, people=[draw(sessions(model, person, window)) for person in model.people]), window


@st.composite
def collective(draw: DrawFn) -> Case:
    """Providers with similar hours, so that all are sometimes free together."""
    model, window = draw(with_resources() if draw(st.booleans()) else cases(hours=12))
    first = model.people[0]
    others = draw(st.lists(st.sampled_from([(), first.busy[:1], first.busy[1:]]), max_size=2))
    people = [first, *(replace(first, busy=busy) for busy in others)]
    return replace(model, terms=replace(model.terms, collective=True), people=people), window


@st.composite
def with_a_cut(draw: DrawFn) -> tuple[Case, int]:
    """A case and a moment inside its window, so that neither part of the window is empty."""
    model, (begin, end) = draw(cases(most_people=2).filter(lambda case: case[1][1] - case[1][0] > 1))
    return (model, (begin, end)), draw(st.integers(begin + 1, end - 1))


def minutes(window: Range, step: int = MINUTE) -> range:
    return range(-(-window[0] // MINUTE) * MINUTE, window[1], step)


def listed(model: Model, window: Range) -> list[tuple[int, int]]:
    """Return starts and provider indexes, once from search and once from the query that booking makes."""
    query = query_of(model)
    read = occupancy_of(model, query)
    found = free_starts(query, window, read)
    slots = free_slots(query, window, read)
    assert [(each.starts_at, each.provider_id) for each in slots] == [(to_utc(s), provider_id(p)) for s, p in found]
    assert all(each.ends_at == to_utc(s + model.terms.length) for each, (s, _) in zip(slots, found, strict=True))
    assert_days_with_room(query, window, read, [start for start, _ in found])
    return found


def assert_days_with_room(query: AvailabilityQuery, window: Range, read: Occupancy, starts: list[int]) -> None:
    edges = [*range(window[0], window[1], 5 * HOUR), window[1]]
    days = [any(begins <= start < ends for start in starts) for begins, ends in pairwise(edges)]
    assert days_with_availability(query, edges, read) == days


def assert_listed_as_the_model_offers(case: Case) -> None:
    model, window = case
    assert listed(model, window) == [(start, index) for start in minutes(window) for index in model.offered(start)]


def assert_refused_for_the_model_s_reasons(case: Case, step: int = 5 * MINUTE) -> None:
    model, window = case
    query = query_of(model)
    read = occupancy_of(model, query)
    for start in minutes(window, step):
        assert list(rejection_reasons(query, start, read)) == model.why_not(start), start
        assert_offers_are_the_model_s(model, start)


def assert_offers_are_the_model_s(model: Model, start: int) -> None:
    query = query_of(model)
    offers = candidates_at(query, start, occupancy_of(model, query))
    indexes = model.offered(start)
    all_ids = tuple(provider_id(index) for index in range(len(model.people)))
    for index, offer in zip(indexes, offers, strict=True):
        assert offer.provider_ids == (all_ids if model.terms.collective else (provider_id(index),))
        joins = joined(model, model.people[index], start)
        assert offer.session_id == (session_id(index, start) if joins else None)
        ids, chosen = resource_ids(model), () if joins else model.things_at(start) or ()
        assert sorted(offer.resource_ids) == sorted(ids[each] for each in chosen)


def joined(model: Model, person: Person, start: int) -> bool:
    return any((each.start, each.end) == (start, start + model.terms.length) for each in person.sessions)


@examples(150, phases=PHASES)
@given(cases())
def test_listed_starts_match_the_model(case: Case) -> None:
    assert_listed_as_the_model_offers(case)


@examples(60, phases=PHASES)
@given(cases(most_people=3))
def test_refusals_have_the_models_reasons(case: Case) -> None:
    assert_refused_for_the_model_s_reasons(case, step=15 * MINUTE)


@examples(60, phases=PHASES)
@given(with_limits())
def test_limits_match_the_model(case: Case) -> None:
    assert_listed_as_the_model_offers(case)
    assert_refused_for_the_model_s_reasons(case, step=30 * MINUTE)


@examples(60, phases=PHASES)
@given(with_resources())
def test_resources_match_the_model(case: Case) -> None:
    assert_listed_as_the_model_offers(case)
    assert_refused_for_the_model_s_reasons(case, step=30 * MINUTE)


@examples(60, phases=PHASES)
@given(with_seats())
def test_seats_match_the_model(case: Case) -> None:
    assert_listed_as_the_model_offers(case)
    assert_refused_for_the_model_s_reasons(case, step=30 * MINUTE)


@examples(60, phases=PHASES)
@given(collective())
def test_collective_offerings_match_the_model(case: Case) -> None:
    assert_listed_as_the_model_offers(case)
    assert_refused_for_the_model_s_reasons(case, step=30 * MINUTE)


@examples(60, phases=PHASES)
@given(cases(hours=12))
def test_later_services_of_a_visit_match_the_model_off_the_grid(case: Case) -> None:
    model, window = case
    anywhere = replace(model, terms=replace(model.terms, on_grid=False))
    assert_refused_for_the_model_s_reasons((anywhere, window))


@examples(100, phases=PHASES)
@given(with_a_cut())
def test_splitting_a_window_loses_no_start(case_and_cut: tuple[Case, int]) -> None:
    """No start is lost or repeated at the boundary of two windows."""
    (model, (begin, end)), cut = case_and_cut
    assert listed(model, (begin, cut)) + listed(model, (cut, end)) == listed(model, (begin, end))
