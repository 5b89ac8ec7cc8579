"""Appointments: how they come to be, change and end."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from contracts.chassis.values import Cursor, Instant, Name, Note, PageSize, ZoneName
from contracts.scheduling.models.kinds import Reply, Request
from contracts.scheduling.values import Minutes, Seats, Version, require_start, require_window

AppointmentStatus = Literal["held", "pending", "booked", "cancelled", "declined", "expired", "completed", "no_show"]
"""held -> booked or pending (confirm), expired, cancelled; pending -> booked (approve), declined, cancelled;
booked -> cancelled, completed, no_show. `held`, until it expires, `pending` and `booked` take the time of others."""


class Book(Request, frozen=True):
    """Exactly what search lists can be booked; anything else is `SlotUnavailable` with the reason."""

    offering_id: UUID
    customer_id: UUID
    starts_at: Instant
    provider_id: UUID | None = None
    """None: whom the offering's assignment chooses among the free."""
    duration_minutes: Minutes | None = None
    """One of the offering's choices. None: its duration."""
    seats: Seats = 1
    note: Note = ""
    overbook: bool = False
    """Staff only: although the time is taken, the seats are gone or a limit is reached. Marked, and on record."""
    override: bool = False
    """Staff only: although the time is off the grid or outside hours, notice or window. On record."""

    def __post_init__(self) -> None:
        require_start("starts_at", self.starts_at)


class Hold(Request, frozen=True):
    """Takes a slot for a checkout, for the offering's `hold_minutes` by the database's clock. What search lists can be
    held. `confirm` makes it an appointment; `cancel` gives it back early."""

    offering_id: UUID
    customer_id: UUID
    starts_at: Instant
    provider_id: UUID | None = None
    duration_minutes: Minutes | None = None
    seats: Seats = 1

    def __post_init__(self) -> None:
        require_start("starts_at", self.starts_at)


class Confirm(Request, frozen=True):
    """Makes the holder's hold an appointment: booked, or pending where approval is required."""

    appointment_id: UUID
    note: Note = ""


class Appointment(Reply, frozen=True):
    appointment_id: UUID
    offering_id: UUID
    offering_name: Name
    provider_id: UUID
    provider_name: Name
    customer_id: UUID
    starts_at: Instant
    ends_at: Instant
    zone: ZoneName
    """The provider's, at the time of booking."""
    status: AppointmentStatus
    version: Version
    """1 when it came to be, one more at every change."""
    note: Note
    booked_at: Instant
    """When it came to be; for a hold that was confirmed, when it was."""
    cancelled_at: Instant | None = None
    """When it was cancelled, declined or expired."""
    cancel_reason: Note | None = None
    cancelled_in_time: bool | None = None
    """Whether the cancellation came before the offering's cut-off; staff always cancel in time."""
    provider_ids: tuple[UUID, ...] = ()
    """All of them, by id, for a collective appointment; else empty."""
    resource_ids: tuple[UUID, ...] = ()
    seats: Seats = 1
    hold_expires_at: Instant | None = None
    """Of a hold."""
    series_id: UUID | None = None
    visit_id: UUID | None = None
    overbooked: bool = False
    """Staff booked it although the time was taken."""
    reschedules: Annotated[int, Meta(ge=0)] = 0
    """How often the customer moved it."""
    fee_percent: Annotated[int, Meta(ge=0, le=100)] = 0
    """Of the price: what a late cancellation or the no-show costs."""


class GetAppointment(Request, frozen=True):
    appointment_id: UUID


class Approve(Request, frozen=True):
    appointment_id: UUID
    expected_version: Version | None = None


class Decline(Request, frozen=True):
    """Gives the time back."""

    appointment_id: UUID
    reason: Note = ""
    expected_version: Version | None = None


class Reschedule(Request, frozen=True):
    """Moves the appointment, keeping its id, history, duration and seats. It does not stand in its own way."""

    appointment_id: UUID
    starts_at: Instant
    expected_version: Version
    provider_id: UUID | None = None
    """None: the same provider."""
    overbook: bool = False
    override: bool = False
    """Both as for `Book`."""

    def __post_init__(self) -> None:
        require_start("starts_at", self.starts_at)


class Cancel(Request, frozen=True):
    """Gives the time back. Where a customer would have been refused, or charged, staff are not; that is on record."""

    appointment_id: UUID
    reason: Note = ""
    expected_version: Version | None = None
    """None: whatever the version is."""


class Complete(Request, frozen=True):
    """It took place. Not before it began."""

    appointment_id: UUID
    expected_version: Version | None = None


class MarkNoShow(Request, frozen=True):
    """The customer did not come; costs the offering's late fee. Not before it began."""

    appointment_id: UUID
    expected_version: Version | None = None


class ListAppointments(Request, frozen=True):
    """A customer sees their own only. Ordered by start, then id; `cursor` is the previous page's `next_cursor`."""

    customer_id: UUID | None = None
    provider_id: UUID | None = None
    status: AppointmentStatus | None = None
    start: Instant | None = None
    """Only appointments that start at or after this."""
    series_id: UUID | None = None
    visit_id: UUID | None = None
    cursor: Cursor | None = None
    limit: PageSize = 50


class AppointmentPage(Reply, frozen=True):
    appointments: tuple[Appointment, ...]
    next_cursor: Cursor | None = None
    """None on the last page."""


class GetAgenda(Request, frozen=True):
    """The provider's active appointments that touch [start, end), by start."""

    provider_id: UUID
    start: Instant
    end: Instant

    def __post_init__(self) -> None:
        require_window(self.start, self.end)


class Agenda(Reply, frozen=True):
    provider_id: UUID
    zone: ZoneName
    appointments: tuple[Appointment, ...]


# ---- what happened to one


class GetHistory(Request, frozen=True):
    appointment_id: UUID


Overridden = Literal[
    "taken", "full", "resources", "limit", "hours", "grid", "notice", "window", "cutoff", "reschedules"
]
"""A rule that staff set aside."""


class Change(Reply, frozen=True):
    """One change: who made it (`staff:<id>`, `customer:<id>`, `system`), by which operation, and the appointment
    before and after it."""

    version: Version
    at: Instant
    actor: str
    operation: str
    overridden: tuple[Overridden, ...]
    before: Appointment | None
    after: Appointment


class History(Reply, frozen=True):
    """Every change since the appointment came to be, in order."""

    changes: tuple[Change, ...]
