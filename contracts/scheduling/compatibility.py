"""How a client built against an older OpenAPI document breaks on a newer one, in plain sentences.

Requests: what an old client may send has to be accepted. Replies and events: what is answered now has to be what an old
client expects; it ignores members that it does not know, wherever its schema leaves the object open.
"""

from collections.abc import Iterator

from contracts.scheduling.schema_fit import Json, Misfit, Schemas, follow, misfits

METHODS = ("get", "put", "post", "delete", "patch")


def breaking_changes(old: Json, new: Json) -> list[str]:
    """One sentence for each way in which an old client breaks; none means that it does not."""
    return [*_operations(old, new), *_security(old, new), *_events(old, new)]


def _operations(old: Json, new: Json) -> Iterator[str]:
    now = {operation["operationId"]: (where, operation) for where, operation in _each_operation(new)}
    for where, before in _each_operation(old):
        name = before["operationId"]
        if name not in now:
            yield f"{name}: {where} is gone."
            continue
        new_where, after = now[name]
        if new_where != where:
            yield f"{name}: moved from {where} to {new_where}."
        for sentence in _operation(before, after, old, new):
            yield f"{name}: {sentence}"


def _each_operation(document: Json) -> Iterator[tuple[str, Json]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method]


def _operation(before: Json, after: Json, old: Json, new: Json) -> Iterator[str]:
    yield from _actors(before, after)
    yield from _parameters(before, after, old, new)
    yield from _body(before, after, old, new)
    yield from _replies(before, after, old, new)
    yield from _errors(before, after, old, new)


def _actors(before: Json, after: Json) -> Iterator[str]:
    for actor in before.get("x-actors", ()):
        if actor not in after.get("x-actors", ()):
            yield f"may no longer be called for {actor}."


# ---- requests: what old clients send, the new side accepts


def _parameters(before: Json, after: Json, old: Json, new: Json) -> Iterator[str]:
    sent, taken = _by_place(before, old), _by_place(after, new)
    for key, parameter in taken.items():
        if parameter.get("required") and not sent.get(key, {}).get("required"):
            yield f"the {_place(key)} is now required, and old clients do not always send it."
    for key, parameter in sent.items():
        if key in taken:
            found = misfits(parameter["schema"], taken[key]["schema"], Schemas(old, new))
            yield from (f"the {_place(key)} {_refused(misfit)}." for misfit in found)
        elif key[0] != "header":
            yield f"the {_place(key)} is no longer taken, and old clients may send it."


def _by_place(operation: Json, document: Json) -> dict[tuple[str, str], Json]:
    parameters = [follow(each, document) for each in operation.get("parameters", ())]
    return {(each["in"], each["name"]): each for each in parameters}


def _place(key: tuple[str, str]) -> str:
    kind = key[0] if key[0] == "header" else f"{key[0]} parameter"
    return f"{kind} `{key[1]}`"


def _body(before: Json, after: Json, old: Json, new: Json) -> Iterator[str]:
    sent, taken = _content(before.get("requestBody", {})), _content(after.get("requestBody", {}))
    if taken and not sent:
        yield "now takes a body, which old clients do not send."
    for media_type, schema in sent.items():
        if media_type not in taken:
            yield f"no longer takes a body of {media_type}."
            continue
        for misfit in misfits(schema, taken[media_type], Schemas(old, new)):
            yield f"the request's `{misfit.path}` {_refused(misfit)}."


def _refused(misfit: Misfit) -> str:
    match misfit.kind:
        case "missing":
            return "is now required, and old clients do not always send it"
        case "unknown":
            return "is no longer taken, and old clients may send it"
        case "type":
            return f"is now {misfit.accepted}, and old clients may send {misfit.sent}"
        case "value":
            return f"no longer takes {misfit.sent}, only {misfit.accepted}"
        case keyword:
            return f"now has the {keyword} {misfit.accepted}, and old clients keep to {misfit.sent}"


# ---- replies and events: what the new side sends, old clients accept


def _replies(before: Json, after: Json, old: Json, new: Json) -> Iterator[str]:
    expected, given = _successes(before, old), _successes(after, new)
    for status in given.keys() - expected.keys():
        yield f"now answers {status}, where old clients expect {' or '.join(expected)}."
    for status in expected.keys() & given.keys():
        yield from _media_types(expected[status], given[status], old, new)


def _media_types(expected: Json, given: Json, old: Json, new: Json) -> Iterator[str]:
    was, now = _content(expected), _content(given)
    for media_type in was.keys() - now.keys():
        yield f"no longer answers with {media_type}."
    for media_type in was.keys() & now.keys():
        for sentence in _answers(was[media_type], now[media_type], old, new):
            yield f"the reply's {sentence}."


def _answers(expected: Json, given: Json, old: Json, new: Json) -> Iterator[str]:
    for misfit in misfits(given, expected, Schemas(new, old)):
        yield f"`{misfit.path}` {_unexpected(misfit)}"
    lost = (each for each in misfits(expected, _closed(given, new), Schemas(old, new)) if each.kind == "unknown")
    yield from (f"`{misfit.path}` is gone" for misfit in lost)


def _unexpected(misfit: Misfit) -> str:
    match misfit.kind:
        case "missing":
            return f"is now {misfit.sent}, and old clients rely on it"
        case "unknown":
            return "is new, inside an object to which old clients let nothing be added"
        case "type":
            return f"may now be {misfit.sent}, where old clients expect {misfit.accepted}"
        case "value":
            return f"may now be {misfit.sent}, where old clients know {misfit.accepted}"
        case keyword:
            return f"now has the {keyword} {misfit.sent}, where old clients accept {misfit.accepted}"
