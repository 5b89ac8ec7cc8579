"""The SQL of a booking, as a template that a floor fills in for the next booking: pure functions.

Made from recordings of two bookings through the product, so that it cannot fall behind the product's code. A parameter
that was the same in both is a constant. One that differed is what the request said, a moment that follows from the
booking's start, an id made afresh for each booking, or something whose value does not matter to the work done (a
payload, a clock); that last kind keeps the value recorded first.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from deploy.errors import CommandError
from loadtests.bench.sql_recording import RecordedStatement

CONTROL = ("BEGIN", "COMMIT", "ROLLBACK")


class BookingRequest(NamedTuple):
    """What one request said."""

    provider_id: str
    starts_at: str
    key: str


class ParameterSource(NamedTuple):
    """A parameter of a template. `kind` is constant, provider, providers (an array of that one), key, fresh (`value`
    tells ids apart), start or epoch (`value` is the distance from the booking's start, in seconds; epoch is written as
    seconds since 1970)."""

    kind: str
    value: str | None = None


class StatementTemplate(NamedTuple):
    """One statement of a template."""

    role: str
    sql: str
    slots: list[ParameterSource]


def build_template(
    one: Sequence[RecordedStatement],
    other: Sequence[RecordedStatement],
    bookings: tuple[BookingRequest, BookingRequest],
) -> list[StatementTemplate]:
    """Raises CommandError when the two did not send the same statements: then there is no SQL of *one* booking."""
    if [(s.role, s.sql) for s in one] != [(s.role, s.sql) for s in other]:
        raise CommandError("two bookings through the product did not send the same SQL, so no floor can replay it")
    return [
        StatementTemplate(
            a.role, a.sql, [_slot(pair, bookings) for pair in zip(a.parameters, b.parameters, strict=True)]
        )
        for a, b in zip(one, other, strict=True)
    ]


def without_transaction_control(steps: Sequence[StatementTemplate]) -> list[StatementTemplate]:
    """Those that read or change data; a lone read needs no transaction around it."""
    return [step for step in steps if not step.sql.upper().startswith(CONTROL)]


def fill_parameters(
    slots: Sequence[ParameterSource], booking: BookingRequest, fresh: Mapping[str, str]
) -> list[str | None]:
    """The parameters for one booking; `fresh` gives the new id that stands for each id of the recording."""
    starts_at = datetime.fromisoformat(booking.starts_at)
    return [_value(slot, booking, starts_at, fresh) for slot in slots]


def fresh_ids(steps: Sequence[StatementTemplate]) -> set[str]:
    """The ids of the recording that each booking makes anew."""
    return {slot.value for step in steps for slot in step.slots if slot.kind == "fresh" and slot.value}


def from_json(steps: Sequence[Sequence[Any]]) -> list[StatementTemplate]:
    """A template that travelled as JSON."""
    return [StatementTemplate(role, sql, [ParameterSource(*slot) for slot in slots]) for role, sql, slots in steps]


def _slot(pair: tuple[str | None, str | None], bookings: tuple[BookingRequest, BookingRequest]) -> ParameterSource:
    one, other = pair
    if one == other or one is None or other is None:
        return ParameterSource("constant", one)
    if pair == (bookings[0].provider_id, bookings[1].provider_id):
        return ParameterSource("provider")
    if pair == (f"{{{bookings[0].provider_id}}}", f"{{{bookings[1].provider_id}}}"):
        return ParameterSource("providers")
    if pair == (bookings[0].key, bookings[1].key):
        return ParameterSource("key")
    for kind, distance in (("epoch", _distance_of_number), ("start", _distance)):
        distances = {distance(value, booking.starts_at) for value, booking in zip((one, other), bookings, strict=True)}
        if len(distances) == 1 and None not in distances:
            return ParameterSource(kind, str(distances.pop()))
    return ParameterSource("fresh" if _is_id(one) else "constant", one)


def _distance_of_number(number: str, starts_at: str) -> float | None:
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


def _value(slot: ParameterSource, booking: BookingRequest, starts_at: datetime, fresh: Mapping[str, str]) -> str | None:
    match slot.kind:
        case "provider":
            return booking.provider_id
        case "providers":
            return f"{{{booking.provider_id}}}"
        case "key":
            return booking.key
        case "start" | "epoch":
            at = starts_at + timedelta(seconds=float(slot.value or 0))
            return at.isoformat() if slot.kind == "start" else str(int(at.timestamp()))
        case "fresh":
            return fresh[slot.value or ""]
    return slot.value
