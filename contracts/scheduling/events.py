"""What scheduling tells the rest of the product, after the fact, at least once.

An event carries the whole appointment as it stood (no call back is needed), and the appointment's version: 1 for its
first and one more for each change, without a gap, whichever database wrote it. A consumer applies version n only
after n-1, so events of one appointment have their effects in order even when they reach the stream from two databases
around a cutover.
"""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from contracts.chassis.values import Instant, Name, ZoneName
from contracts.scheduling.models import Appointment
from contracts.scheduling.values import Epoch

STREAM = "scheduling.events"
"""The Redis stream; each entry has the fields `id` (the event's) and `event` (its JSON)."""

PUBLISHED = "{" + STREAM + "}.published"
"""A Redis hash beside it: for each side, until when (a time of its database) its outbox stands in the stream. A
consumer that misses events deletes it, or sets it back, and the relays publish again from there. The braces keep both
keys on one node of a Redis Cluster."""

_encoder = msgspec.json.Encoder()


class MalformedEvent(Exception):
    """A message that is not an event of the contract."""


class Event(Struct, frozen=True, kw_only=True, tag_field="type"):
    event_id: UUID
    business_id: UUID
    business_name: Name
    business_zone: ZoneName
    epoch: Epoch
    occurred_at: Instant
    appointment: Appointment

    @property
    def version(self) -> int:
        return self.appointment.version


class AppointmentHeld(Event, frozen=True, kw_only=True, tag="appointment.held"):
    """A slot is held for a checkout, or offered to somebody who waits for it."""

    waitlist_entry_id: UUID | None = None
    """Of an offer; the customer should be told."""


class AppointmentExpired(Event, frozen=True, kw_only=True, tag="appointment.expired"):
    """A hold that nobody confirmed in time."""


class AppointmentRequested(Event, frozen=True, kw_only=True, tag="appointment.requested"):
    """It waits for approval, and takes the time meanwhile."""


class AppointmentBooked(Event, frozen=True, kw_only=True, tag="appointment.booked"):
    """Directly, by confirming a hold, or by approval."""


class AppointmentDeclined(Event, frozen=True, kw_only=True, tag="appointment.declined"):
    pass


class AppointmentRescheduled(Event, frozen=True, kw_only=True, tag="appointment.rescheduled"):
    """`fee_percent` is this change's own; 0 when it came in time, or by staff."""

    previous_starts_at: Instant
    previous_provider_id: UUID
    fee_percent: Annotated[int, Meta(ge=0, le=100)] = 0


class AppointmentCancelled(Event, frozen=True, kw_only=True, tag="appointment.cancelled"):
    """Whatever it was before: a hold, pending or booked. `appointment.fee_percent` of the price stays due."""


class AppointmentCompleted(Event, frozen=True, kw_only=True, tag="appointment.completed"):
    pass


class AppointmentNoShow(Event, frozen=True, kw_only=True, tag="appointment.no_show"):
    """`appointment.fee_percent` of the price is due."""


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


def decode_event(body: bytes) -> AnyEvent:
    """Decode an event. Raises MalformedEvent."""
    try:
        event: AnyEvent = msgspec.json.decode(body, type=AnyEvent)
        return event
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedEvent(f"not an event of the contract: {error}") from error
