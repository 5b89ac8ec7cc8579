"""The SQL of a booking as a template that a floor fills in for each request; pure functions.

The template is derived from two recorded bookings, so it follows the product's code. A parameter that is equal in both
is a constant. A parameter that differs is a value of the request, a time derived from the booking's start, a new id, or
a value that does not affect the work (a payload, a clock); the last kind keeps its first recorded value.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from deploy.errors import CommandError
from loadtests.bench.sql_recording import RecordedStatement

CONTROL = ("BEGIN", "COMMIT", "ROLLBACK")


class BookingRequest(NamedTuple):
    """The values of a booking request that appear in its SQL."""

    provider_id: str
    starts_at: str
    key: str


class ParameterSource(NamedTuple):
    """The source of a statement's parameter.

    `kind` is constant, provider, providers (an array of that provider), key (the idempotency key), fresh (a new id;
    `value` identifies it across statements), start or epoch (the booking's start plus `value` seconds; epoch is written
    as seconds since 1970).
    """

    kind: str
    value: str | None = None


class StatementTemplate(NamedTuple):
    """One statement and the sources of its parameters."""

    role: str
    sql: str
    parameters: list[ParameterSource]


def build_template(
    one: Sequence[RecordedStatement],
    other: Sequence[RecordedStatement],
    bookings: tuple[BookingRequest, BookingRequest],
) -> list[StatementTemplate]:
    """Derive the template from two recorded bookings. Raises CommandError when their statements differ."""
    if [(s.role, s.sql) for s in one] != [(s.role, s.sql) for s in other]:
        raise CommandError("two bookings did not send the same SQL, so no floor can replay it")
    return [
        StatementTemplate(
            a.role, a.sql, [_source(pair, bookings) for pair in zip(a.parameters, b.parameters, strict=True)]
        )
        for a, b in zip(one, other, strict=True)
    ]


def without_transaction_control(steps: Sequence[StatementTemplate]) -> list[StatementTemplate]:
    """Drop BEGIN, COMMIT and ROLLBACK; single reads need no transaction."""
    return [step for step in steps if not step.sql.upper().startswith(CONTROL)]


def fill_parameters(
    sources: Sequence[ParameterSource], booking: BookingRequest, fresh: Mapping[str, str]
) -> list[str | None]:
    """Return the parameters of one booking; `fresh` maps each recorded id to the new one."""
    starts_at = datetime.fromisoformat(booking.starts_at)
    return [_value(source, booking, starts_at, fresh) for source in sources]


def fresh_ids(steps: Sequence[StatementTemplate]) -> set[str]:
    """Return the recorded ids that each booking replaces by new ones."""
    return {each.value for step in steps for each in step.parameters if each.kind == "fresh" and each.value}


def from_json(steps: Sequence[Sequence[Any]]) -> list[StatementTemplate]:
    """Restore a template from JSON."""
    return [StatementTemplate(role, sql, [ParameterSource(*each) for each in sources]) for role, sql, sources in steps]


def _source(pair: tuple[str | None, str | None], bookings: tuple[BookingRequest, BookingRequest]) -> ParameterSource:
    one, other = pair
    if one == other or one is None or other is None:
        return ParameterSource("constant", one)
    if pair == (bookings[0].provider_id, bookings[1].provider_id):
        return ParameterSource("provider")
    if pair == (f"{{{bookings[0].provider_id}}}", f"{{{bookings[1].provider_id}}}"):
        return ParameterSource("providers")
    if pair == (bookings[0].key, bookings[1].key):
        return ParameterSource("key")
    for kind, distance in (("epoch", _epoch_distance), ("start", _distance)):
        distances = {distance(value, booking.starts_at) for value, booking in zip((one, other), bookings, strict=True)}
        if len(distances) == 1 and None not in distances:
            return ParameterSource(kind, str(distances.pop()))
    return ParameterSource("fresh" if _is_id(one) else "constant", one)


def _epoch_distance(number: str, starts_at: str) -> float | None:
    return int(number) - datetime.fromisoformat(starts_at).timestamp() if number.isdecimal() else None


def _distance(moment: str, starts_at: str) -> float | None:
    try:
        return (datetime.fromisoformat(moment) - datetime.fromisoformat(starts_at)).total_seconds()
    except (ValueError, TypeError):
        return None


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _value(
    source: ParameterSource, booking: BookingRequest, starts_at: datetime, fresh: Mapping[str, str]
) -> str | None:
    match source.kind:
        case "provider":
            return booking.provider_id
        case "providers":
            return f"{{{booking.provider_id}}}"
        case "key":
            return booking.key
        case "start" | "epoch":
            at = starts_at + timedelta(seconds=float(source.value or 0))
            return at.isoformat() if source.kind == "start" else str(int(at.timestamp()))
        case "fresh":
            return fresh[source.value or ""]
    return source.value
