"""Hypothesis strategies for the contract's models, made from their types and bounds."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
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
    """Values of the model that satisfy its bounds, those between its fields too."""
    if model in (m.SearchSlots, m.GetAgenda):
        return _fields(model).map(_forward).map(lambda fields: model(**fields))
    if model is m.SetWeeklyHours:
        return st.builds(model, provider_id=st.uuids(), ranges=_weeks())
    return _fields(model).map(lambda fields: model(**fields))


def _fields(model: type[msgspec.Struct]) -> st.SearchStrategy[dict[str, Any]]:
    described = inspect.type_info(model)
    assert isinstance(described, inspect.StructType)
    return st.fixed_dictionaries(
        {
            field.name: ZONES if field.name in ("zone", "business_zone") else _values(field.type)
            for field in described.fields
        }
    )


def _values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    strategy: st.SearchStrategy[Any] = _OF_TYPE[type(kind)](kind)
    return strategy


def _strings(kind: inspect.StrType) -> st.SearchStrategy[str]:
    if kind.pattern is None or "x7f" in kind.pattern:
        return st.text(TEXT, min_size=kind.min_length or 0, max_size=min(kind.max_length or 40, 40))
    strings = st.from_regex(kind.pattern.replace(r"$(?!\n)", r"\Z"), fullmatch=True)
    return strings.map(lambda text: text[: kind.max_length])


def _instants() -> st.SearchStrategy[datetime]:
    """Whole minutes, as far as appointments may lie, written in several offsets."""
    moments = st.datetimes(datetime(2000, 1, 2), datetime(2199, 10, 1), timezones=OFFSETS)  # noqa: DTZ001
    return moments.map(lambda moment: moment.replace(second=0, microsecond=0))


def _forward(fields: dict[str, Any]) -> dict[str, Any]:
    """The same request with an end that lies up to 62 days after its start."""
    span = timedelta(minutes=1 + int(fields["end"].timestamp() / 60) % (62 * 24 * 60))
    return fields | {"end": fields["start"] + span}


def _weeks() -> st.SearchStrategy[tuple[m.WeeklyRange, ...]]:
    """Ranges that do not overlap: neighbours among some distinct moments of one day."""
    moments = st.lists(st.integers(0, 24 * 60), min_size=2, max_size=6, unique=True).map(sorted)
    return st.tuples(st.integers(1, 7), moments).map(lambda drawn: _ranges(*drawn))


def _ranges(weekday: int, moments: list[int]) -> tuple[m.WeeklyRange, ...]:
    walls = [f"{moment // 60:02}:{moment % 60:02}" for moment in moments]
    pairs = zip(walls[::2], walls[1::2], strict=False)
    return tuple(m.WeeklyRange(weekday=weekday, opens=opens, closes=closes) for opens, closes in pairs)


_OF_TYPE: dict[type[inspect.Type], Callable[[Any], st.SearchStrategy[Any]]] = {
    inspect.StrType: _strings,
    inspect.IntType: lambda kind: st.integers(min_value=kind.ge, max_value=2**53 if kind.le is None else kind.le),
    inspect.BoolType: lambda _: st.booleans(),
    inspect.NoneType: lambda _: st.none(),
    inspect.UUIDType: lambda _: st.uuids(),
    inspect.DateTimeType: lambda _: _instants(),
    inspect.LiteralType: lambda kind: st.sampled_from(kind.values),
    inspect.UnionType: lambda kind: st.one_of([_values(each) for each in kind.types]),
    inspect.VarTupleType: lambda kind: st.lists(_values(kind.item_type), max_size=3).map(tuple),
    inspect.StructType: lambda kind: models(kind.cls),
}
