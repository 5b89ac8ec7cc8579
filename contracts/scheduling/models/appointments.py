"""Appointments: booking, changes, queries and history."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from contracts.chassis.values import Cursor, Instant, Name, Note, PageSize, ZoneName
from contracts.scheduling.models.kinds import Reply, Request
from contracts.scheduling.values import Minutes, Seats, Version, require_start, require_window

AppointmentStatus = Literal["held", "pending", "booked", "cancelled", "declined", "expired", "completed", "no_show"]
"""Transitions: held -> booked or pending (confirm), expired, cancelled; pending -> booked (approve), declined,
cancelled; booked -> cancelled, completed, no_show. Appointments that are `held` (until the hold expires), `pending`
or `booked` occupy time."""


class Book(Request, frozen=True):
    """Book a slot. Exactly the slots that a search lists can be booked; any other is `SlotUnavailable` with a
    reason."""

    offering_id: UUID
    customer_id: UUID
    starts_at: Instant
    provider_id: UUID | None = None
    """None: the offering's assignment rule chooses a free provider."""
    duration_minutes: Minutes | None = None
    """One of the offering's durations. None: its standard duration."""
    seats: Seats = 1
    note: Note = ""
    overbook: bool = False
    """Staff only: book even if the time is occupied, the seats are taken or a limit is reached. Marked on the
    appointment and recorded in its history."""
    override: bool = False
    """Staff only: book even off the grid or outside hours, notice or booking window. Recorded in the history."""
    reason: Note = ""
    """Why a rule is overridden; recorded in the history."""

    def __post_init__(self) -> None:
        require_start("starts_at", self.starts_at)


class Hold(Request, frozen=True):
    """Reserve a slot during a checkout, for the offering's `hold_minutes` by the database's clock. Exactly the slots
    that a search lists can be held. `confirm` turns the hold into a booking; `cancel` releases it early."""

    offering_id: UUID
    customer_id: UUID
    starts_at: Instant
    provider_id: UUID | None = None
    duration_minutes: Minutes | None = None
    seats: Seats = 1

    def __post_init__(self) -> None:
        require_start("starts_at", self.starts_at)


class ExtendHold(Request, frozen=True):
    """Extend a hold to the offering's `hold_minutes` from now, by the database's clock: at most ten times, so that it
    ends at most eleven times `hold_minutes` after it was taken."""

    appointment_id: UUID


class Confirm(Request, frozen=True):
    """Confirm a hold: it becomes booked, or pending if the offering requires approval."""

    appointment_id: UUID
    note: Note = ""


class Appointment(Reply, frozen=True):
    """An appointment, including holds and appointments that have ended."""

    appointment_id: UUID
    offering_id: UUID
    offering_name: Name
    provider_id: UUID
    provider_name: Name
    customer_id: UUID
    starts_at: Instant
    ends_at: Instant
    zone: ZoneName
    """The provider's time zone at the time of booking."""
    status: AppointmentStatus
    version: Version
    """1 for a new appointment, incremented by every change."""
    note: Note
    booked_at: Instant
    """The time of creation; for a confirmed hold, the time of confirmation."""
    cancelled_at: Instant | None = None
    """The time at which it was cancelled, declined or expired."""
    cancel_reason: Note | None = None
    cancelled_in_time: bool | None = None
    """Whether it was cancelled before the offering's cut-off; always true for cancellations by staff."""
    provider_ids: tuple[UUID, ...] = ()
    """All providers of a collective appointment, sorted by id; otherwise empty."""
    resource_ids: tuple[UUID, ...] = ()
    seats: Seats = 1
    hold_expires_at: Instant | None = None
    """Set for a hold only."""
    series_id: UUID | None = None
    visit_id: UUID | None = None
    overbooked: bool = False
    """Staff booked it although the time was occupied."""
    reschedules: Annotated[int, Meta(ge=0)] = 0
    """The number of times that the customer rescheduled it."""
    fee_percent: Annotated[int, Meta(ge=0, le=100)] = 0
    """The fee for a late cancellation or a no-show, in percent of the price."""


class GetAppointment(Request, frozen=True):
    """Get an appointment by its id."""

    appointment_id: UUID


class Approve(Request, frozen=True):
    """Approve a pending appointment: it becomes booked."""

    appointment_id: UUID
    expected_version: Version | None = None


class Decline(Request, frozen=True):
    """Decline a pending appointment and release its time."""

    appointment_id: UUID
    reason: Note = ""
    expected_version: Version | None = None


class Reschedule(Request, frozen=True):
    """Move an appointment, keeping its id, history, duration and seats. Its own time counts as free."""

    appointment_id: UUID
    starts_at: Instant
    expected_version: Version
    provider_id: UUID | None = None
    """None: the same provider."""
    overbook: bool = False
    override: bool = False
    """`overbook` and `override` as for `Book`."""
    reason: Note = ""
    """Why a rule is overridden; recorded in the history."""
    notify: bool = True
    """Staff only: whether the customer is notified by e-mail."""

    def __post_init__(self) -> None:
        require_start("starts_at", self.starts_at)


class Cancel(Request, frozen=True):
    """Cancel an appointment and release its time. Staff are neither refused nor charged; the history records a rule
    that they set aside."""

    appointment_id: UUID
    reason: Note = ""
    expected_version: Version | None = None
    """None: cancel any version."""
    notify: bool = True
    """Staff only: whether the customer is notified by e-mail."""


class Complete(Request, frozen=True):
    """Record that the appointment took place. Not possible before it has begun."""

    appointment_id: UUID
    expected_version: Version | None = None


class MarkNoShow(Request, frozen=True):
    """Record that the customer did not come, and charge the offering's late fee. Not possible before the appointment
    has begun."""

    appointment_id: UUID
    expected_version: Version | None = None


class ListAppointments(Request, frozen=True):
    """List appointments by start, then id. Customers see their own appointments only. `cursor` is the `next_cursor`
    of the previous page."""

    customer_id: UUID | None = None
    provider_id: UUID | None = None
    status: AppointmentStatus | None = None
    statuses: Annotated[tuple[AppointmentStatus, ...], Meta(max_length=8)] = ()
    """Only appointments with one of these statuses. Empty: any."""
    start: Instant | None = None
    """Only appointments that start at or after this time."""
    end: Instant | None = None
    """Only appointments that start before this time."""
    series_id: UUID | None = None
    visit_id: UUID | None = None
    cursor: Cursor | None = None
    limit: PageSize = 50


class AppointmentPage(Reply, frozen=True):
    """One page of appointments."""

    appointments: tuple[Appointment, ...]
    next_cursor: Cursor | None = None
    """None on the last page."""


class GetAgenda(Request, frozen=True):
    """List the active appointments of a provider that overlap [start, end), by start."""

    provider_id: UUID
    start: Instant
    end: Instant

    def __post_init__(self) -> None:
        require_window(self.start, self.end)


class Agenda(Reply, frozen=True):
    """The active appointments of a provider, by start. `zone` is the provider's."""

    provider_id: UUID
    zone: ZoneName
    appointments: tuple[Appointment, ...]


# ---- history


class GetHistory(Request, frozen=True):
    """Get all changes of an appointment."""

    appointment_id: UUID


Overridden = Literal[
    "taken", "full", "resources", "limit", "hours", "grid", "notice", "window", "cutoff", "reschedules"
]
"""A rule that staff overrode."""


class Change(Reply, frozen=True):
    """One change: its actor (`staff:<id>`, `customer:<id>` or `system`), its operation, and the appointment before and
    after it."""

    version: Version
    at: Instant
    actor: str
    operation: str
    overridden: tuple[Overridden, ...]
    before: Appointment | None
    after: Appointment
    reason: Note = ""
    """Why staff overrode a rule, if they said so; empty for customers."""


class History(Reply, frozen=True):
    """All changes since the creation of the appointment, in order."""

    changes: tuple[Change, ...]
