"""The engine's predicate against the plain model: what is listed is what is bookable; each refusal has its reason."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from scheduling_service.engine.availability import offered_starts, refusal
from tests.unit.engine.model import MINUTE, Model, Range, reached
from tests.unit.engine.rules import offering, provider
from tests.unit.engine.zones import YEAR, changes

ZONES = [
    ZoneInfo(name)
    for name in (
        "Africa/Cairo",  # at midnight
        "Africa/Casablanca",  # for a month, by the moon
        "America/Havana",  # midnight itself is skipped
        "America/New_York",
        "America/Nuuk",  # the last hour before midnight is skipped
        "America/Santiago",  # on the other side of the year
        "America/St_Johns",
        "Asia/Gaza",
        "Asia/Kolkata",  # never
        "Asia/Kathmandu",  # a quarter of an hour
        "Atlantic/Azores",
        "Australia/Lord_Howe",  # by half an hour
        "Europe/Dublin",  # negative summer time
        "Europe/Paris",
        "Pacific/Apia",
        "Pacific/Chatham",
        "UTC",
    )
]
HOURS_36 = 36 * 3600


def days(zone: ZoneInfo) -> SearchStrategy[date]:
    """Around a change of clocks, where there is one."""
    if not changes(zone):
        return st.dates(date(YEAR, 1, 5), date(YEAR, 12, 25))
    return st.builds(lambda day, off: day + timedelta(days=off), st.sampled_from(changes(zone)), st.integers(-1, 1))


@st.composite
def ranges_of_a_day(draw: DrawFn) -> list[Range]:
    """Disjoint and ascending, some touching; on quarters of an hour for the most, and in the hours of the changes."""
    quarters = st.integers(0, 24 * 4).map(lambda quarter: quarter * 15)
    late_or_early = st.one_of(st.integers(0, 4 * 4), st.integers(22 * 4, 24 * 4)).map(lambda quarter: quarter * 15)
    edge = st.one_of(late_or_early, quarters, st.integers(0, 1440))
    edges = draw(st.lists(edge, unique=True, min_size=2, max_size=6).map(sorted))
    touching = list(pairwise(edges))
    return touching if draw(st.booleans()) else touching[::2]


def weeks() -> SearchStrategy[list[list[Range]]]:
    """Any two days in a row differ."""
    return st.tuples(*[ranges_of_a_day()] * 3).map(lambda each: [*each, *each, each[1]])


@st.composite
def taken_around(draw: DrawFn, begin: int) -> list[Range]:
    """What the constraint lets stand: disjoint, in whole minutes, from before the window until after it."""
    gaps = draw(st.lists(st.tuples(st.integers(0, 600), st.integers(1, 120)), max_size=6))
    taken, moment = [], begin - 6 * 3600
    for free, busy in gaps:
        opens = moment + free * MINUTE
        moment = opens + busy * MINUTE
        taken.append((opens, moment))
    return taken


@st.composite
def cases(draw: DrawFn) -> tuple[Model, Range]:
    zone = draw(st.sampled_from(ZONES))
    begin = reached(draw(days(zone)), 0, zone) + draw(st.integers(-180, 180)) * MINUTE
    window = (begin, begin + draw(st.one_of(st.just(HOURS_36), st.integers(1, HOURS_36))))
    long_ago = st.just(begin - 7 * 86_400)
    model = Model(
        zone=zone,
        week=draw(weeks()),
        step=draw(st.sampled_from([1, 5, 7, 15, 30, 45, 60, 90, 1440])) * MINUTE,
        length=draw(st.sampled_from([1, 5, 15, 25, 30, 60, 90, 240])) * MINUTE,
        taken=draw(taken_around(begin)),
        now=draw(st.one_of(long_ago, long_ago, st.integers(begin - 3600, begin + HOURS_36))),
    )
    return model, window


def listed(model: Model, window: Range, taken: Sequence[Range] | None = None) -> list[int]:
    return offered_starts(
        provider(model.zone, model.week),
        offering(model.length // MINUTE, model.step // MINUTE),
        window,
        model.taken if taken is None else taken,
        model.now,
    )


def why_not(model: Model, start: int) -> str | None:
    """What the model would say."""
    if model.offered(start):
        return None
    if not model.is_ahead(start):
        return "past"
    if model.is_on_grid(start):
        return "taken"
    return "off_grid" if model.is_within_hours(start) else "outside_hours"


@settings(max_examples=200, deadline=None)
@given(cases())
def test_what_is_listed_is_what_the_model_offers(case: tuple[Model, Range]) -> None:
    model, window = case
    every_minute = range(-(-window[0] // MINUTE) * MINUTE, window[1], MINUTE)
    assert listed(model, window) == [start for start in every_minute if model.offered(start)]


@settings(max_examples=100, deadline=None)
@given(cases())
def test_what_is_refused_was_not_listed_and_has_the_model_s_reason(case: tuple[Model, Range]) -> None:
    model, window = case
    found = set(listed(model, window))
    ada, cut = provider(model.zone, model.week), offering(model.length // MINUTE, model.step // MINUTE)
    for start in range(-(-window[0] // MINUTE) * MINUTE, window[1], 5 * MINUTE):
        reason = refusal(ada, cut, start, model.taken, model.now)
        assert (reason is None) == (start in found)
        assert reason == why_not(model, start)


@settings(max_examples=100, deadline=None)
@given(cases(), st.integers(1, HOURS_36))
def test_a_window_may_be_cut_anywhere(case: tuple[Model, Range], cut: int) -> None:
    """No start is lost or repeated between a page of days and the next."""
    model, (begin, end) = case
    middle = min(begin + cut, end)
    assert listed(model, (begin, middle)) + listed(model, (middle, end)) == listed(model, (begin, end))
