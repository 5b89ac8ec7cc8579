"""Check whether one JSON schema accepts every value that another allows, and explain misfits.

Supports only the keywords that this contract uses. A changed pattern counts as a misfit, because patterns cannot be
compared.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

Json = dict[str, Any]

LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems")
MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
EQUAL = ("pattern", "format")


class Misfit(Struct, frozen=True):
    """`kind` is `missing`, `unknown`, `type`, `value`, or a keyword that allows more than the receiver accepts.

    `sent` and `accepted` are the two schemas at `path`.
    """

    kind: str
    path: str
    sent: str
    accepted: str


class Exchange(Struct, frozen=True):
    """Sender and receiver, with the documents that resolve their `$ref`s.

    `counts_on_all`: a member that the receiver knows counts as missing when the sender never sends it, even if the
    receiver could do without.
    """

    sender: Json
    receiver: Json
    counts_on_all: bool


def misfits(sent: Json, accepted: Json, exchange: Exchange, path: str = "") -> Iterator[Misfit]:
    """Return the values that `sent` allows and `accepted` refuses; empty if the schemas fit."""
    candidates = list(alternatives(accepted, exchange.receiver))
    for alternative in alternatives(sent, exchange.sender):
        yield from _against_the_nearest(alternative, candidates, exchange, path)


def follow(schema: Json, document: Json) -> Json:
    """Return the target of a `$ref`; return any other schema unchanged."""
    while "$ref" in schema:
        target: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        schema = target
    return schema


def alternatives(schema: Json, document: Json) -> Iterator[Json]:
    """Return the alternatives of which a value must satisfy one."""
    schema = follow(schema, document)
    several = schema.get("anyOf") or schema.get("oneOf")
    if several is None:
        yield schema
        return
    for each in several:
        yield from alternatives(each, document)


def _against_the_nearest(sent: Json, candidates: list[Json], exchange: Exchange, path: str) -> Iterator[Misfit]:
    """Match an alternative with one of the candidates; if none fits, explain the closest."""
    attempts = [list(_single(sent, candidate, exchange, path)) for candidate in candidates]
    yield from min(attempts, key=lambda found: (any(each.kind == "type" for each in found), len(found)))


def _single(sent: Json, accepted: Json, exchange: Exchange, path: str) -> Iterator[Misfit]:
    if not _type_fits(sent, accepted):
        yield Misfit("type", path, _type(sent), _type(accepted))
        return
    yield from _values(sent, accepted, path)
    yield from _bounds(sent, accepted, path)
    if "properties" in accepted:
        yield from _properties(sent, accepted, exchange, path)
    if "items" in accepted:
        yield from misfits(sent.get("items", {}), accepted["items"], exchange, f"{path}[]")


def _type_fits(sent: Json, accepted: Json) -> bool:
    kinds = (_type(sent), _type(accepted))
    return kinds[1] == "anything" or kinds[0] == kinds[1] or kinds == ("integer", "number")


def _type(schema: Json) -> str:
    values = _allowed(schema)
    if values is not None:
        return "string" if all(isinstance(value, str) for value in values) else "integer"
    return str(schema.get("type", "anything"))


def _allowed(schema: Json) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values: list[Any] | None = schema.get("enum")
    return values


def _values(sent: Json, accepted: Json, path: str) -> Iterator[Misfit]:
    known, possible = _allowed(accepted), _allowed(sent)
    if known is None:
        return
    if possible is None:
        yield Misfit("value", path, f"any {_type(sent)}", _listed(known))
    elif strange := [value for value in possible if value not in known]:
        yield Misfit("value", path, _listed(strange), _listed(known))


def _bounds(sent: Json, accepted: Json, path: str) -> Iterator[Misfit]:
    for keyword in (*LEAST, *MOST, *EQUAL):
        if keyword in accepted and not _within(keyword, sent.get(keyword), accepted[keyword]):
            yield Misfit(keyword, path, str(sent.get(keyword, "none")), str(accepted[keyword]))


def _within(keyword: str, sent: Any, accepted: Any) -> bool:
    if sent is None:
        return False
    if keyword in EQUAL:
        return bool(sent == accepted)
    return bool(sent >= accepted) if keyword in LEAST else bool(sent <= accepted)


def _properties(sent: Json, accepted: Json, exchange: Exchange, path: str) -> Iterator[Misfit]:
    offered, known = sent.get("properties", {}), accepted["properties"]
    for name, schema in known.items():
        if name not in sent.get("required", ()) and name in accepted.get("required", ()):
            yield Misfit("missing", _below(path, name), "optional" if name in offered else "gone", "required")
        elif name not in offered and exchange.counts_on_all:
            yield Misfit("missing", _below(path, name), "gone", "optional")
        if name in offered:
            yield from misfits(offered[name], schema, exchange, _below(path, name))
    if accepted.get("additionalProperties") is False:
        for name in offered.keys() - known.keys():
            yield Misfit("unknown", _below(path, name), "present", "absent")


def _below(path: str, name: str) -> str:
    return f"{path}.{name}".lstrip(".")


def _listed(values: list[Any]) -> str:
    return ", ".join(f"`{value}`" for value in values)
