"""Groups of appointments: recurring series, and several offerings in one visit."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from contracts.chassis.values import Instant, Note
from contracts.scheduling.models.appointments import Appointment
from contracts.scheduling.models.kinds import Reply, Request, Value
from contracts.scheduling.values import Minutes, Seats, require_start


class Recurrence(Value, frozen=True):
    """A repetition at the same local time of the provider, every `interval` days, weeks or months. A month without
    the day is skipped and not counted."""

    every: Literal["day", "week", "month"]
    count: Annotated[int, Meta(ge=2, le=52)]
    interval: Annotated[int, Meta(ge=1, le=12)] = 1


class BookSeries(Request, frozen=True):
    """Book a recurring appointment with one provider; each occurrence is an appointment of its own. If an occurrence
    cannot be booked, `on_conflict` decides: `refuse` books none, `skip` books the others and reports the conflict."""

    offering_id: UUID
    provider_id: UUID
    customer_id: UUID
    starts_at: Instant
    recurrence: Recurrence
    on_conflict: Literal["refuse", "skip"] = "refuse"
    duration_minutes: Minutes | None = None
    seats: Seats = 1
    note: Note = ""
    dry_run: bool = False
    """Book nothing, and report what booking would do: the appointments, and every conflict, whatever `on_conflict`
    says. The ids in the reply exist nowhere."""

    def __post_init__(self) -> None:
        require_start("starts_at", self.starts_at)


class Conflicting(Reply, frozen=True):
    """An occurrence that was not booked, with the reason of its `SlotUnavailable`."""

    starts_at: Instant
    reason: str


class Series(Reply, frozen=True):
    """The appointments of a series, sorted by start time. `conflicts` are those of this call; a read has none."""

    series_id: UUID
    appointments: tuple[Appointment, ...]
    conflicts: tuple[Conflicting, ...] = ()


class GetSeries(Request, frozen=True):
    """Get the appointments of a series."""

    series_id: UUID


class RescheduleSeries(Request, frozen=True):
    """Move one occurrence to `starts_at`, and all active occurrences after it by the same difference in local time.
    All or none are moved."""

    series_id: UUID
    from_appointment_id: UUID
    starts_at: Instant

    def __post_init__(self) -> None:
        require_start("starts_at", self.starts_at)


class CancelSeries(Request, frozen=True):
    """Cancel one occurrence and all active occurrences after it. All or none are cancelled."""

    series_id: UUID
    from_appointment_id: UUID
    reason: Note = ""


class VisitItem(Value, frozen=True):
    """One offering of a visit. `provider_id` None: any provider."""

    offering_id: UUID
    provider_id: UUID | None = None


class BookVisit(Request, frozen=True):
    """Book several offerings, one after the other: each starts when the previous one and the buffers between them have
    ended. Only the first start must be on its offering's grid. All or none are booked."""

    customer_id: UUID
    starts_at: Instant
    items: Annotated[tuple[VisitItem, ...], Meta(min_length=2, max_length=8)]
    note: Note = ""

    def __post_init__(self) -> None:
        require_start("starts_at", self.starts_at)


class Visit(Reply, frozen=True):
    """The appointments of a visit, in the requested order."""

    visit_id: UUID
    appointments: tuple[Appointment, ...]
