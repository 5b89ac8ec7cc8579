"""Hypothesis strategies for the contract's models, derived from types and bounds."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, TypeVar

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from contracts.scheduling import models as m

T = TypeVar("T", bound=msgspec.Struct)

ZONES = st.sampled_from(["UTC", "Europe/Zurich", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu"])
OFFSETS = st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=-30)), timezone(timedelta(hours=14))])
TEXT = st.characters(exclude_categories=("Cc", "Cs"))


def models(model: type[T]) -> st.SearchStrategy[T]:
    """Return a strategy for valid values of a model, including rules between its fields."""
    made = _made_of_parts(model)
    if made is not None:
        return made
    return _fields(model).map(lambda fields: model(**_consistent(model, fields)))


def _fields(model: type[msgspec.Struct]) -> st.SearchStrategy[dict[str, Any]]:
    described = inspect.type_info(model)
    assert isinstance(described, inspect.StructType)
    return st.fixed_dictionaries(
        {
            field.name: _ZONE_FIELDS[field.name] if field.name in _ZONE_FIELDS else _values(field.type)
            for field in described.fields
        }
    )


_ZONE_FIELDS = {"zone": ZONES, "business_zone": ZONES, "viewer_zone": st.none() | ZONES}


def _made_of_parts(model: type[Any]) -> st.SearchStrategy[Any] | None:
    """Strategies for models whose fields depend on each other."""
    dates = _dates()
    if model is m.BookingWindow:
        return st.one_of(
            st.just(m.BookingWindow()),
            st.builds(model, kind=st.sampled_from(["rolling_days", "rolling_working_days"]), days=st.integers(0, 730)),
            st.lists(dates, min_size=2, max_size=2)
            .map(sorted)
            .map(lambda drawn: m.BookingWindow(kind="fixed", first=drawn[0], last=drawn[1])),
        )
    if model is m.SetWeeklyHours:
        period: st.SearchStrategy[dict[str, Any]] = st.just({}) | dates.map(
            lambda first: {"effective_from": first, "effective_until": first}
        )
        return st.builds(
            lambda ids, weeks, dated: model(provider_id=ids, ranges=weeks, **dated), st.uuids(), _weeks(), period
        )
    if model is m.SetDateOverride:
        ranged = st.tuples(st.sampled_from(["replace", "extra"]), _weeks().map(_days_of).filter(bool))
        drawn = ranged | st.tuples(st.sampled_from(["close", "regular"]), st.just(()))
        return st.builds(
            lambda ids, day, differs: model(provider_id=ids, date=day, mode=differs[0], ranges=differs[1]),
            st.uuids(),
            dates,
            drawn,
        )
    return None


def _consistent(model: type[Any], fields: dict[str, Any]) -> dict[str, Any]:
    """Adjust fields that the model would refuse in combination."""
    if model in (m.SearchSlots, m.GetAgenda, m.SearchVisits, m.ListBlocks, m.JoinWaitlist, m.BlockTime):
        fields = _forward(fields)
    if model is m.BlockTime and fields["provider_id"]:
        fields = fields | {"resource_id": None}
    if model is m.ListDateOverrides:
        fields = fields | {"last": fields["first"] + timedelta(days=fields["last"].day)}
    if model is m.SetHolidays:
        fields = fields | {"holidays": tuple({each.date: each for each in fields["holidays"]}.values())}
    if issubclass(model, m.OfferingRules):
        fields = fields | {"needs": tuple({each.kind: each for each in fields["needs"]}.values())}
        if fields["assignment"] == "collective":
            fields = fields | {"capacity": 1}
    return fields


def _values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    if isinstance(kind, inspect.Metadata):
        return _values(kind.type)
    strategy: st.SearchStrategy[Any] = _OF_TYPE[type(kind)](kind)
    return strategy


def _strings(kind: inspect.StrType) -> st.SearchStrategy[str]:
    if kind.pattern is None or "x7f" in kind.pattern:
        return st.text(TEXT, min_size=kind.min_length or 0, max_size=min(kind.max_length or 40, 40))
    strings = st.from_regex(kind.pattern.replace(r"$(?!\n)", r"\Z"), fullmatch=True)
    return strings.map(lambda text: text[: kind.max_length])


def _lists(kind: inspect.VarTupleType) -> st.SearchStrategy[list[Any]]:
    least = kind.min_length or 0
    return st.lists(_values(kind.item_type), min_size=least, max_size=least + 3)


def _instants() -> st.SearchStrategy[datetime]:
    """Strategy for whole minutes within the bookable period, in several UTC offsets."""
    moments = st.datetimes(datetime(2000, 1, 2), datetime(2199, 10, 1), timezones=OFFSETS)  # noqa: DTZ001
    return moments.map(lambda moment: moment.replace(second=0, microsecond=0))


def _dates() -> st.SearchStrategy[date]:
    return st.dates(date(2000, 1, 2), date(2199, 10, 1))


def _forward(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the request with an end up to 62 days after its start."""
    span = timedelta(minutes=1 + int(fields["end"].timestamp() / 60) % (62 * 24 * 60))
    return fields | {"end": fields["start"] + span}


def _weeks() -> st.SearchStrategy[tuple[m.WeeklyRange, ...]]:
    """Strategy for ranges of one day that do not overlap."""
    moments = st.lists(st.integers(0, 24 * 60), min_size=2, max_size=6, unique=True).map(sorted)
    return st.tuples(st.integers(1, 7), moments).map(lambda drawn: _ranges(*drawn))


def _ranges(weekday: int, moments: list[int]) -> tuple[m.WeeklyRange, ...]:
    walls = [f"{moment // 60:02}:{moment % 60:02}" for moment in moments]
    pairs = zip(walls[::2], walls[1::2], strict=False)
    return tuple(m.WeeklyRange(weekday=weekday, opens=opens, closes=closes) for opens, closes in pairs)


def _days_of(week: tuple[m.WeeklyRange, ...]) -> tuple[m.DayRange, ...]:
    return tuple(m.DayRange(opens=each.opens, closes=each.closes) for each in week)


_OF_TYPE: dict[type[inspect.Type], Callable[[Any], st.SearchStrategy[Any]]] = {
    inspect.StrType: _strings,
    inspect.IntType: lambda kind: st.integers(min_value=kind.ge, max_value=2**53 if kind.le is None else kind.le),
    inspect.BoolType: lambda _: st.booleans(),
    inspect.NoneType: lambda _: st.none(),
    inspect.UUIDType: lambda _: st.uuids(),
    inspect.DateTimeType: lambda _: _instants(),
    inspect.DateType: lambda _: _dates(),
    inspect.LiteralType: lambda kind: st.sampled_from(kind.values),
    inspect.UnionType: lambda kind: st.one_of([_values(each) for each in kind.types]),
    inspect.VarTupleType: lambda kind: _lists(kind).map(tuple),
    inspect.StructType: lambda kind: models(kind.cls),
}
