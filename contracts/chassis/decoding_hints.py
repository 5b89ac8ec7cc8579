"""Messages about input of the wrong form: the fields that exist, the values allowed, the format expected."""

import re
from functools import cache
from typing import Any

from msgspec import inspect

_INSTANT = "Expected a date and time with its UTC offset, for example 2030-05-06T09:00:00Z"
_SAME_FOR_EVERY_FIELD = {
    "Invalid RFC3339 encoded datetime": _INSTANT,
    "Expected `datetime` with a timezone component": _INSTANT,
    "Invalid RFC3339 encoded date": "Expected a date, for example 2030-05-06",
}


def with_hint(message: str, path: str, model: Any) -> str:
    """Return msgspec's message about the value at `path` of a model, phrased so that it names what would be valid."""
    if message in _SAME_FOR_EVERY_FIELD:
        return _SAME_FOR_EVERY_FIELD[message]
    found = _type_at(model, path)
    if found is None:
        return message
    if message.startswith("Object contains unknown field") and (names := _fields_of(found)):
        return f"{message}; the fields are {', '.join(names)}"
    if message.startswith("Invalid enum value") and (values := _values_of(found)):
        return f"{message}; allowed are {', '.join(values)}"
    if " matching regex " in message and (form := _description_of(found)):
        return f"Expected {form[0].lower()}{form[1:].rstrip('.')}"
    return message


@cache
def _type_at(model: Any, path: str) -> inspect.Type | None:
    """Return the type at a path like `ranges[0].opens`; None if the path leads through a map or an unclear union."""
    found: inspect.Type | None = inspect.type_info(model)
    for step in re.findall(r"\[[^\]]*\]|[^.\[]+", path):
        found = None if found is None else _member(_bare(found), step)
    return found


def _member(kind: inspect.Type, step: str) -> inspect.Type | None:
    if step.startswith("["):
        return getattr(kind, "item_type", None)
    if isinstance(kind, inspect.StructType):
        return next((field.type for field in kind.fields if field.encode_name == step), None)
    return None


def _bare(kind: inspect.Type) -> inspect.Type:
    """Return the type without metadata and null."""
    if isinstance(kind, inspect.Metadata):
        return _bare(kind.type)
    if isinstance(kind, inspect.UnionType):
        others = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        return _bare(others[0]) if len(others) == 1 else kind
    return kind


def _fields_of(kind: inspect.Type) -> list[str]:
    bare = _bare(kind)
    return [field.encode_name for field in bare.fields] if isinstance(bare, inspect.StructType) else []


def _values_of(kind: inspect.Type) -> list[str]:
    bare = _bare(kind)
    return [str(value) for value in bare.values] if isinstance(bare, inspect.LiteralType) else []


def _description_of(kind: inspect.Type) -> str:
    """Return the description in the metadata of a type, or of one alternative of a union."""
    if isinstance(kind, inspect.Metadata):
        return str((kind.extra_json_schema or {}).get("description", "")) or _description_of(kind.type)
    if isinstance(kind, inspect.UnionType):
        return next((text for each in kind.types if (text := _description_of(each))), "")
    return ""
