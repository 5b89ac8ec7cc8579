"""Appointments that belong together: recurring series, and several services in one visit."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from contracts.chassis.values import Instant, Note
from contracts.scheduling.models.appointments import Appointment
from contracts.scheduling.models.kinds import Reply, Request, Value
from contracts.scheduling.values import Minutes, Seats, require_start


class Recurrence(Value, frozen=True):
    """At the same time on the provider's wall clock, every so many days, weeks or months. A month without the day is
    left out and does not count."""

    every: Literal["day", "week", "month"]
    count: Annotated[int, Meta(ge=2, le=52)]
    interval: Annotated[int, Meta(ge=1, le=12)] = 1


class BookSeries(Request, frozen=True):
    """A recurring appointment with one provider; each occurrence is an appointment of its own. `on_conflict` says what
    happens when an occurrence cannot be booked: `refuse` books none, and `skip` books the others and reports it."""

    offering_id: UUID
    provider_id: UUID
    customer_id: UUID
    starts_at: Instant
    recurrence: Recurrence
    on_conflict: Literal["refuse", "skip"] = "refuse"
    duration_minutes: Minutes | None = None
    seats: Seats = 1
    note: Note = ""

    def __post_init__(self) -> None:
        require_start("starts_at", self.starts_at)


class Conflicting(Reply, frozen=True):
    """An occurrence that was not booked, and why, as `SlotUnavailable` says it."""

    starts_at: Instant
    reason: str


class Series(Reply, frozen=True):
    """By start. `conflicts` are those of this call; a read has none."""

    series_id: UUID
    appointments: tuple[Appointment, ...]
    conflicts: tuple[Conflicting, ...] = ()


class GetSeries(Request, frozen=True):
    series_id: UUID


class RescheduleSeries(Request, frozen=True):
    """Moves one occurrence to `starts_at`, and all active ones that follow it by as much on the wall clock. All or
    none."""

    series_id: UUID
    from_appointment_id: UUID
    starts_at: Instant

    def __post_init__(self) -> None:
        require_start("starts_at", self.starts_at)


class CancelSeries(Request, frozen=True):
    """Cancels one occurrence and all active ones that follow it. All or none."""

    series_id: UUID
    from_appointment_id: UUID
    reason: Note = ""


class VisitItem(Value, frozen=True):
    offering_id: UUID
    provider_id: UUID | None = None


class BookVisit(Request, frozen=True):
    """Several services, one after the other: each begins when the one before it ends and the buffers between them are
    over. The first stands on its offering's grid, the others need not. All or none."""

    customer_id: UUID
    starts_at: Instant
    items: Annotated[tuple[VisitItem, ...], Meta(min_length=2, max_length=8)]
    note: Note = ""

    def __post_init__(self) -> None:
        require_start("starts_at", self.starts_at)


class Visit(Reply, frozen=True):
    """In the order asked for."""

    visit_id: UUID
    appointments: tuple[Appointment, ...]
