"""Events that scheduling publishes after each change, delivered at least once.

An event contains the complete appointment, so that consumers need no further call, and the appointment's version: 1
for the first event, incremented by every change, without gaps, in any database. A consumer applies
version n only after n-1; so the events of an appointment take effect in order, even if two databases publish them
around a cutover.
"""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from contracts.chassis.decoding import UNDECODABLE
from contracts.chassis.values import Instant, Name, ZoneName
from contracts.scheduling.models import Appointment
from contracts.scheduling.values import Epoch

STREAM = "scheduling.events"
"""The Redis stream. Each entry has the fields `id` (the event id) and `event` (the event as JSON) and, if events are
signed, `signature` (`event_signatures.py`). With the field `consumer`, only that group handles the entry."""

PUBLISHED = "{" + STREAM + "}.published"
"""A Redis hash: for each source, up to which time (by its database's clock) its outbox has been published. A consumer
that misses events deletes a field or sets it back, and the relays publish again from there (`parse_checkpoint`). The
braces keep both keys on one node of a Redis Cluster."""

Traceparent = Annotated[str, Meta(max_length=55)]

_encoder = msgspec.json.Encoder()


class MalformedEvent(Exception):
    """A message that is not an event of the contract."""


class Event(Struct, frozen=True, kw_only=True, tag_field="type"):
    """The members of every event."""

    event_id: UUID
    business_id: UUID
    business_name: Name
    business_zone: ZoneName
    epoch: Epoch
    occurred_at: Instant
    appointment: Appointment
    traceparent: Traceparent | UnsetType = UNSET
    """The W3C trace context of the change, if its trace is recorded."""

    @property
    def version(self) -> int:
        """The appointment's version after the change."""
        return self.appointment.version


class AppointmentHeld(Event, frozen=True, kw_only=True, tag="appointment.held"):
    """A slot was held, for a checkout or as an offer to the waitlist."""

    waitlist_entry_id: UUID | None = None
    """The entry that the offer is for; the customer should be notified."""


class AppointmentExpired(Event, frozen=True, kw_only=True, tag="appointment.expired"):
    """A hold was not confirmed in time."""


class AppointmentRequested(Event, frozen=True, kw_only=True, tag="appointment.requested"):
    """An appointment waits for approval. It occupies its time until then."""


class AppointmentBooked(Event, frozen=True, kw_only=True, tag="appointment.booked"):
    """An appointment was booked: directly, by confirming a hold, or by approval."""


class AppointmentDeclined(Event, frozen=True, kw_only=True, tag="appointment.declined"):
    """Staff declined a pending appointment."""


class AppointmentRescheduled(Event, frozen=True, kw_only=True, tag="appointment.rescheduled"):
    """An appointment was moved. `fee_percent` is the fee for this change: 0 before the cut-off, and for staff."""

    previous_starts_at: Instant
    previous_provider_id: UUID
    fee_percent: Annotated[int, Meta(ge=0, le=100)] = 0
    notify: bool = True
    """Whether the customer is to be notified."""


class AppointmentCancelled(Event, frozen=True, kw_only=True, tag="appointment.cancelled"):
    """A held, pending or booked appointment was cancelled. `appointment.fee_percent` of the price remains due."""

    notify: bool = True
    """Whether the customer is to be notified."""


class AppointmentCompleted(Event, frozen=True, kw_only=True, tag="appointment.completed"):
    """An appointment took place."""


class AppointmentNoShow(Event, frozen=True, kw_only=True, tag="appointment.no_show"):
    """The customer did not come. `appointment.fee_percent` of the price is due."""


class _Traced(Struct):
    traceparent: str | None = None


_trace_decoder = msgspec.json.Decoder(_Traced)

AnyEvent = (
    AppointmentHeld
    | AppointmentExpired
    | AppointmentRequested
    | AppointmentBooked
    | AppointmentDeclined
    | AppointmentRescheduled
    | AppointmentCancelled
    | AppointmentCompleted
    | AppointmentNoShow
)


def encode_event(event: Event) -> bytes:
    """Encode an event as JSON."""
    return _encoder.encode(event)


def parse_checkpoint(text: str | bytes | None) -> datetime | None:
    """Return the time in a field of `PUBLISHED`, in UTC; None if it is not a time with a zone.

    Other clients of Redis can set the field, so any spelling of ISO 8601 is accepted.
    """
    try:
        found = datetime.fromisoformat(text.decode() if isinstance(text, bytes) else text or "")
        return None if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def traceparent_of(payload: bytes) -> str | None:
    """Return the trace context of an encoded event; None if it has none or is malformed."""
    try:
        return _trace_decoder.decode(payload).traceparent
    except UNDECODABLE:
        return None


def decode_event(body: bytes) -> AnyEvent:
    """Decode an event. Raises MalformedEvent."""
    try:
        event: AnyEvent = msgspec.json.decode(body, type=AnyEvent)
        return event
    except UNDECODABLE as error:
        raise MalformedEvent(f"not an event of the contract: {error}") from error
