"""Examples of differences for debugging: shortened, and without free text."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import msgspec

from monolith.cutover.shadow.shadow_read import ShadowRead

FREE_TEXT_FIELDS: Final = frozenset({"note", "reason", "cancel_reason"})
"""The contract's fields of type `Note`: free text of customers and staff, of which only the length is stored."""
MAX_REPLY_CHARACTERS: Final = 1_500
MAX_VALUE_CHARACTERS: Final = 200
MAX_FIELDS: Final = 5
_ABSENT: Final = object()


class DifferingField(msgspec.Struct, frozen=True):
    """The path of a differing field, such as `appointments[3].status`, and its value in both replies."""

    at: str
    owner: str
    candidate: str


class DifferenceExample(msgspec.Struct, frozen=True):
    """`owner` and `candidate` are the whole replies, truncated; `owner_side` is the database that owned the
    business."""

    business_id: str
    operation: str
    owner_side: str
    request: str
    places: tuple[DifferingField, ...]
    owner: str
    candidate: str


def build_example(read: ShadowRead, owner: bytes, candidate: bytes) -> DifferenceExample:
    one, another = msgspec.json.decode(owner), msgspec.json.decode(candidate)
    return DifferenceExample(
        business_id=str(read.ctx.business_id),
        operation=read.operation.name,
        owner_side=read.owner,
        request=_text(msgspec.to_builtins(read.request), MAX_REPLY_CHARACTERS),
        places=tuple(islice(_places(one, another, ""), MAX_FIELDS)),
        owner=_text(one, MAX_REPLY_CHARACTERS),
        candidate=_text(another, MAX_REPLY_CHARACTERS),
    )


def _places(owner: Any, candidate: Any, at: str) -> Iterator[DifferingField]:
    if owner == candidate:
        return
    if isinstance(owner, dict) and isinstance(candidate, dict):
        for key in dict.fromkeys((*owner, *candidate)):
            yield from _places(owner.get(key, _ABSENT), candidate.get(key, _ABSENT), f"{at}.{key}" if at else key)
        return
    if isinstance(owner, list) and isinstance(candidate, list):
        if len(owner) != len(candidate):
            yield DifferingField(at, f"{len(owner)} entries", f"{len(candidate)} entries")
        for index, (one, another) in enumerate(zip(owner, candidate, strict=False)):
            yield from _places(one, another, f"{at}[{index}]")
        return
    key = at.rpartition(".")[2]
    yield DifferingField(at, _value(key, owner), _value(key, candidate))


def _value(key: str, value: Any) -> str:
    return "(absent)" if value is _ABSENT else _text(_without_free_text(key, value), MAX_VALUE_CHARACTERS)


def _without_free_text(key: str, value: Any) -> Any:
    if key in FREE_TEXT_FIELDS and isinstance(value, str):
        return f"({len(value)} characters)"
    if isinstance(value, dict):
        return {name: _without_free_text(name, part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_free_text(key, part) for part in value]
    return value


def _text(value: Any, longest: int) -> str:
    """Return JSON as text, which can be truncated and may contain characters that a JSON column refuses."""
    text = json.dumps(_without_free_text("", value), ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= longest else f"{text[:longest]}…"
