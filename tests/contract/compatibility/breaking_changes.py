"""Find out how a client of an older OpenAPI document breaks on a newer one.

The new side must accept every request of an old client. An old client must accept every reply and event of the new
side; it ignores unknown members wherever its schema leaves the object open.
"""

from collections.abc import Iterator

from tests.contract.compatibility.schema_fit import Exchange, Json, Misfit, alternatives, follow, misfits

METHODS = ("get", "put", "post", "delete", "patch")


def breaking_changes(old: Json, new: Json) -> list[str]:
    """Return one sentence for each incompatibility with an old client."""
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
            found = misfits(parameter["schema"], taken[key]["schema"], _asked(old, new))
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
        for misfit in misfits(schema, taken[media_type], _asked(old, new)):
            yield f"the request's `{misfit.path}` {_refused(misfit)}."


def _refused(misfit: Misfit) -> str:
    match misfit.kind:
        case "missing":
            return "is now required, and old clients do not always send it"
        case "unknown":
            return "is no longer taken, and old clients may send it"
        case "type":
            return f"must now be {misfit.accepted}, and old clients may send {misfit.sent}"
        case "value":
            return f"no longer takes {misfit.sent}, only {misfit.accepted}"
        case keyword:
            return f"now has the {keyword} {misfit.accepted}, and old clients keep to {misfit.sent}"


# ---- replies and events: what the new side sends, old clients accept


def _replies(before: Json, after: Json, old: Json, new: Json) -> Iterator[str]:
    expected, given = _by_status(before, old, "2"), _by_status(after, new, "2")
    for status in given:
        if status not in expected:
            yield f"now answers {status}, where old clients expect {' or '.join(expected)}."
    for status, was in expected.items():
        if status in given:
            yield from _reply(_content(was), _content(given[status]), old, new)


def _reply(expected: Json, given: Json, old: Json, new: Json) -> Iterator[str]:
    for media_type, schema in expected.items():
        if media_type not in given:
            yield f"no longer answers in {media_type}."
            continue
        for misfit in misfits(given[media_type], schema, _answered(old, new)):
            yield f"the reply's `{misfit.path}` {_unexpected(misfit)}."


def _errors(before: Json, after: Json, old: Json, new: Json) -> Iterator[str]:
    expected, given = _by_code(before, old), _by_code(after, new)
    for code, (status, schema) in expected.items():
        if code not in given:
            yield f"no longer answers {status} `{code}`, on which old clients branch."
            continue
        new_status, new_schema = given[code]
        if new_status != status:
            yield f"answers `{code}` with {new_status}, formerly with {status}."
            continue
        for misfit in misfits(new_schema, schema, _answered(old, new)):
            yield f"`{misfit.path}` of the error `{code}` {_unexpected(misfit)}."
    for code, (status, _) in given.items():
        if code not in expected and code not in _codes(old):
            yield f"may now answer {status} `{code}`, a code that old clients do not know."


def _codes(document: Json) -> set[str]:
    return {code for _, operation in _each_operation(document) for code in _by_code(operation, document)}


def _by_code(operation: Json, document: Json) -> dict[str, tuple[str, Json]]:
    errors = {}
    for status, response in _by_status(operation, document, "4", "5").items():
        for schema in _content(response).values():
            for each in alternatives(schema, document):
                errors[each["properties"]["code"]["const"]] = (status, each)
    return errors


def _by_status(operation: Json, document: Json, *kinds: str) -> dict[str, Json]:
    responses = operation["responses"].items()
    return {status: follow(response, document) for status, response in responses if status[0] in kinds}


def _unexpected(misfit: Misfit) -> str:
    match misfit.kind:
        case "missing":
            return f"is now {misfit.sent}, and old clients count on it"
        case "unknown":
            return "is new, in an object to which old clients let nothing be added"
        case "type":
            return f"may now be {misfit.sent}, where old clients expect {misfit.accepted}"
        case "value":
            return f"may now be {misfit.sent}, where old clients know {misfit.accepted}"
        case keyword:
            return f"now has the {keyword} {misfit.sent}, where old clients accept {misfit.accepted}"


def _events(old: Json, new: Json) -> Iterator[str]:
    was, now = old["x-events"], new["x-events"]
    if was["stream"] != now["stream"]:
        yield f"events: moved from the stream {was['stream']} to {now['stream']}."
    for misfit in misfits(now["schema"], was["schema"], _answered(old, new)):
        yield f"events: `{misfit.path}` {_unexpected(misfit)}."


def _security(old: Json, new: Json) -> Iterator[str]:
    was, now = (document["components"]["securitySchemes"] for document in (old, new))
    for name, scheme in was.items():
        if _essence(scheme) != _essence(now.get(name, {})):
            yield f"the security scheme {name} has changed or is gone."


def _essence(scheme: Json) -> Json:
    return {name: value for name, value in scheme.items() if name != "description"}


def _content(described: Json) -> Json:
    return {name: each["schema"] for name, each in described.get("content", {}).items()}


def _asked(old: Json, new: Json) -> Exchange:
    return Exchange(sender=old, receiver=new, counts_on_all=False)


def _answered(old: Json, new: Json) -> Exchange:
    return Exchange(sender=new, receiver=old, counts_on_all=True)
