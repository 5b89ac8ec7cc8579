"""What scheduling tells the rest of the product, after the fact, at least once.

An event carries the whole appointment as it stood (no call back is needed), and the appointment's version: 1 for the
booking and one more for each change, without a gap, whichever database wrote it. A consumer applies version n only
after n-1, so events of one appointment have their effects in order even when they reach the stream from two databases
around a cutover.
"""

from uuid import UUID

from msgspec import Struct

from contracts.scheduling.models import Appointment
from contracts.scheduling.values import Epoch, Instant, Name, ZoneName

STREAM = "scheduling.events"
"""The Redis stream; each entry has the fields `id` (the event's) and `event` (its JSON)."""

PUBLISHED = "{" + STREAM + "}.published"
"""A Redis hash beside it: for each side, until when (a time of its database) its outbox stands in the stream. A
consumer that misses events deletes it, or sets it back, and the relays publish again from there. The braces keep both
keys on one node of a Redis Cluster."""


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


class AppointmentBooked(Event, frozen=True, kw_only=True, tag="appointment.booked"):
    pass


class AppointmentRescheduled(Event, frozen=True, kw_only=True, tag="appointment.rescheduled"):
    previous_starts_at: Instant
    previous_provider_id: UUID


class AppointmentCancelled(Event, frozen=True, kw_only=True, tag="appointment.cancelled"):
    """`appointment.cancelled_in_time` tells billing whether to credit the invoice."""


AnyEvent = AppointmentBooked | AppointmentRescheduled | AppointmentCancelled
