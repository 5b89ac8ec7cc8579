"""Random businesses around a clock change, and moments to query."""

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.unit.engine.availability_model import (
    DAY,
    MINUTE,
    Dated,
    Model,
    Override,
    Person,
    Range,
    Session,
    Terms,
    Thing,
    Week,
    date_of,
    reached,
)
from tests.unit.engine.clock_change_days import YEAR, changes

HOUR = 60 * MINUTE
ZONES = [
    ZoneInfo(name)
    for name in (
        "Africa/Cairo",  # at midnight
        "Africa/Casablanca",  # during Ramadan
        "America/Havana",  # midnight itself is skipped
        "America/New_York",
        "America/Nuuk",  # the last hour before midnight is skipped
        "America/Santiago",  # southern hemisphere
        "America/St_Johns",
        "Asia/Gaza",
        "Asia/Kolkata",  # no changes
        "Asia/Kathmandu",  # offset of a quarter hour
        "Atlantic/Azores",
        "Australia/Lord_Howe",  # changes by half an hour
        "Europe/Dublin",  # negative summer time
        "Europe/Paris",
        "Pacific/Apia",
        "Pacific/Chatham",
        "UTC",
    )
]


def zones() -> SearchStrategy[ZoneInfo]:
    return st.sampled_from(ZONES)


def days(zone: ZoneInfo) -> SearchStrategy[date]:
    """Dates around a clock change, if the zone has one."""
    if not changes(zone):
        return st.dates(date(YEAR, 1, 5), date(YEAR, 12, 25))
    return st.builds(lambda day, off: day + timedelta(days=off), st.sampled_from(changes(zone)), st.integers(-1, 1))


@st.composite
def ranges_of_a_day(draw: DrawFn, latest: int = 1440) -> list[Range]:
    """Disjoint, sorted ranges, some adjacent; mostly on quarter hours, and in the hours of clock changes."""
    quarters = st.integers(0, latest // 15).map(lambda quarter: quarter * 15)
    late_or_early = st.one_of(st.integers(0, 4 * 4), st.integers(22 * 4, 24 * 4)).map(lambda quarter: quarter * 15)
    edge = st.one_of(late_or_early, quarters, st.integers(0, latest))
    edges = draw(st.lists(edge, unique=True, min_size=2, max_size=5).map(sorted))
    touching = list(pairwise(edges))
    chosen = touching if draw(st.booleans()) else touching[::2]
    return [(opens, closes) for opens, closes in chosen if opens < 1440 and closes - opens <= 1440]


@st.composite
def weeks(draw: DrawFn) -> Week:
    """Weeks whose consecutive days differ. On every other day some ranges extend past midnight."""
    one, two = draw(ranges_of_a_day()), draw(st.one_of(st.just([]), ranges_of_a_day()))
    if draw(st.booleans()) and one:
        until = 1440 + (two[0][0] if two else 1440)
        opens = one[-1][0]
        one = [*one[:-1], (opens, min(draw(st.integers(max(one[-1][1], 1200), 2000)), until, opens + 1440))]
    shift, week = draw(st.integers(0, 6)), [one, two, one, two, one, two, two]
    return week[shift:] + week[:shift]


def quarters(low: int, high: int) -> SearchStrategy[int]:
    """Seconds, mostly in whole quarter hours."""
    return st.one_of(
        st.integers(low // 15, high // 15).map(lambda quarter: quarter * 15 * MINUTE),
        st.integers(low, high).map(lambda minute: minute * MINUTE),
    )


def spans(begin: int, most: int = 3) -> SearchStrategy[list[Range]]:
    """Spans from before the window to after it; some overlap, as overbooked ones do."""
    one = st.tuples(quarters(-360, 2160), quarters(1, 240)).map(
        lambda pair: (begin + pair[0], begin + pair[0] + max(pair[1], MINUTE))
    )
    return st.lists(one, max_size=most)


@st.composite
def terms(draw: DrawFn, *, today: date) -> Terms:
    """Terms of an offering without special rules."""
    rarely = st.sampled_from([0, 0, 0, 5, 10, 15, 30, 90])
    day = st.integers(-3, 3).map(lambda off: today + timedelta(days=off))
    first, last = sorted((draw(day), draw(day)))
    return Terms(
        step=draw(st.sampled_from([1, 5, 7, 15, 30, 45, 60, 90, 1440])) * MINUTE,
        length=draw(st.sampled_from([1, 5, 15, 25, 30, 60, 90, 240])) * MINUTE,
        offset=draw(rarely) * MINUTE,
        before=draw(rarely) * MINUTE,
        after=draw(rarely) * MINUTE,
        notice=draw(st.sampled_from([0, 0, 30, 600])) * MINUTE,
        window=draw(st.sampled_from(["unlimited", "unlimited", "rolling_days", "rolling_working_days", "fixed"])),
        window_days=draw(st.integers(0, 3)),
        first=first,
        last=last,
    )


@st.composite
def people(draw: DrawFn, zone: ZoneInfo, begin: int) -> Person:
    today = date_of(begin, zone)
    near = st.integers(-1, 2).map(lambda off: today + off * DAY)
    dated = st.builds(
        lambda first, lasts, week: Dated(first, None if lasts is None else first + lasts * DAY, week),
        near,
        st.one_of(st.none(), st.integers(0, 2)),
        weeks(),
    )
    return Person(
        zone=zone,
        week=draw(weeks()),
        dated=draw(st.lists(dated, max_size=2, unique_by=lambda each: each.first)),
        overrides=draw(st.dictionaries(near, overrides(), max_size=2)),
        blocked=draw(spans(begin, 1)),
        busy=draw(spans(begin)),
    )


def overrides() -> SearchStrategy[Override]:
    ranges = ranges_of_a_day(2000).filter(bool)
    return st.one_of(st.just(Override("close")), st.builds(Override, st.sampled_from(["replace", "extra"]), ranges))


@st.composite
def cases(draw: DrawFn, most_people: int = 1, hours: int = 36) -> tuple[Model, Range]:
    """A business and a window."""
    zone = draw(zones())
    begin = reached(draw(days(zone)), 0, zone) + draw(st.integers(-180, 180)) * MINUTE
    lasts = hours * HOUR
    long_ago = st.just(begin - 7 * 86_400)
    model = Model(
        zone=draw(st.one_of(st.just(zone), zones())),
        terms=draw(terms(today=date_of(begin, zone))),
        people=[draw(people(draw(zones()) if n else zone, begin)) for n in range(draw(st.integers(1, most_people)))],
        now=draw(st.one_of(long_ago, long_ago, st.integers(begin - HOUR, begin + lasts))),
        holidays=draw(st.frozensets(st.integers(-1, 2).map(lambda off: date_of(begin, zone) + off * DAY), max_size=1)),
    )
    return model, (begin, begin + draw(st.one_of(st.just(lasts), st.integers(1, lasts))))


def things(begin: int) -> SearchStrategy[Mapping[str, list[Thing]]]:
    thing = st.builds(Thing, spans(begin, 1), spans(begin, 2))
    return st.dictionaries(st.sampled_from(["room", "laser"]), st.lists(thing, min_size=1, max_size=2), max_size=2)


def counts(begin: int, zone: ZoneInfo) -> SearchStrategy[Mapping[date, int]]:
    day = st.integers(-6, 6).map(lambda off: date_of(begin, zone) + off * DAY)
    return st.dictionaries(day, st.integers(1, 3), max_size=3)


@st.composite
def sessions(draw: DrawFn, model: Model, person: Person, window: Range) -> Person:
    """A person with up to two groups at starts that the model allows, and their claims."""
    alone = Model(model.zone, model.terms, [person], model.now, model.holidays, model.things)
    middle = sum(window) // 2 // MINUTE * MINUTE
    possible = [start for start in range(middle, middle + 6 * HOUR, 5 * MINUTE) if alone.offered(start)]
    if not possible:
        return person
    found, busy = [], list(person.busy)
    for start in draw(st.lists(st.sampled_from(possible), max_size=2, unique=True)):
        end = start + draw(st.sampled_from([model.terms.length, model.terms.length, 50 * MINUTE]))
        found.append(Session(start, end, draw(st.integers(0, model.terms.capacity))))
        busy.append((start - model.terms.before, end + model.terms.after))
    return Person(**{**vars(person), "sessions": found, "busy": busy})
