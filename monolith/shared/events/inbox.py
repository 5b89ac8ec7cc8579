"""SQL for the inbox of a module: applied, early and dead events, in the transaction of the effect."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, MetaData, and_, delete, exists, func, insert, or_, select, text
from sqlalchemy.dialects import postgresql

from contracts.scheduling.events import AnyEvent, encode_event
from monolith.shared.events.consumer_group import StreamEntry
from monolith.shared.events.tables import consumer_tables


@dataclass(frozen=True, slots=True)
class Gap:
    """An early event whose predecessor is missing."""

    appointment_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class EventStatus:
    """The state of an event in the inbox.

    `applied` is the newest applied version of its appointment, 0 if none. `dead` is None without a dead letter, and
    false during its replay. `successor` is the payload of the next version, if it arrived early.
    """

    applied: int
    dead: bool | None
    early: bool
    successor: bytes | None


class Inbox:
    """The inbox tables in `schema`. Methods run in the caller's transaction."""

    def __init__(self, schema: str) -> None:
        self._schema = schema
        tables = consumer_tables(MetaData(), schema)
        self._inbox, self._early, self._dead = tables.inbox, tables.early_event, tables.dead_letter

    def lock(self, connection: Connection, appointment_id: UUID) -> None:
        """Serialize the application of an appointment's events until the transaction ends."""
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"),
            {"key": f"{self._schema}.inbox {appointment_id}"},
        )

    def status(self, connection: Connection, event: AnyEvent) -> EventStatus:
        """Return the status of the event, under `lock`. Indexes inbox_version, dead_letter_event, early_event_pkey."""
        inbox, early, dead = self._inbox.c, self._early.c, self._dead.c
        appointment_id = event.appointment.appointment_id
        same_appointment = early.appointment_id == appointment_id
        letters = select(dead.replayed_at.is_(None)).where(dead.event_id == event.event_id)
        applied = select(func.max(inbox.version)).where(inbox.appointment_id == appointment_id)
        row = connection.execute(
            select(
                func.coalesce(applied.scalar_subquery(), 0),
                letters.scalar_subquery(),
                exists().where(same_appointment, early.version == event.version),
                select(early.payload).where(same_appointment, early.version == event.version + 1).scalar_subquery(),
            )
        ).one()
        return EventStatus(*row)

    def record(self, connection: Connection, event: AnyEvent, status: EventStatus) -> None:
        """Record that the event is applied; it is no longer early or dead."""
        connection.execute(
            insert(self._inbox).values(
                event_id=event.event_id,
                appointment_id=event.appointment.appointment_id,
                version=event.version,
            )
        )
        if status.early:
            self._delete_early(connection, event)
        if status.dead is not None:
            connection.execute(delete(self._dead).where(self._dead.c.event_id == event.event_id))

    def store_early(self, connection: Connection, event: AnyEvent) -> None:
        connection.execute(
            postgresql.insert(self._early)
            .values(
                appointment_id=event.appointment.appointment_id,
                version=event.version,
                payload=encode_event(event),
            )
            .on_conflict_do_nothing()
        )

    def stranded_successors(self, connection: Connection, older_than: timedelta) -> Sequence[bytes]:
        """Return early events whose predecessor has been applied, older than `older_than`. Scans a small table."""
        early = self._early.c
        overdue = early.arrived_at < func.now() - older_than
        return connection.execute(select(early.payload).where(overdue, self._predecessor_applied())).scalars().all()

    def gaps(self, connection: Connection, older_than: timedelta) -> list[Gap]:
        """Return early events whose predecessor has not arrived; dead predecessors are left to operators."""
        early, dead = self._early.c, self._dead.c
        predecessor_dead = exists().where(
            dead.appointment_id == early.appointment_id, dead.version == early.version - 1
        )
        overdue = early.arrived_at < func.now() - older_than
        waiting = select(early.appointment_id, early.version).where(
            overdue, ~self._predecessor_applied(), ~predecessor_dead
        )
        return [Gap(*row) for row in connection.execute(waiting)]

    def add_dead_letter(self, connection: Connection, entry: StreamEntry, event: AnyEvent | None, reason: str) -> None:
        """Store a dead letter; `event` is None for an invalid entry."""
        dead = self._dead.c
        same: ColumnElement[bool] = dead.entry_id == entry.entry_id
        known: dict[str, object] = {}
        if event is not None:
            same = or_(same, dead.event_id == event.event_id)
            known = {
                "event_id": event.event_id,
                "appointment_id": event.appointment.appointment_id,
                "version": event.version,
            }
            self._delete_early(connection, event)
        connection.execute(delete(self._dead).where(same))
        connection.execute(
            insert(self._dead).values(
                entry_id=entry.entry_id,
                stated_id=_storable(entry.stated_id),
                payload=entry.payload,
                reason=_storable(reason),
                **known,
            )
        )

    def _delete_early(self, connection: Connection, event: AnyEvent) -> None:
        early = self._early.c
        connection.execute(
            delete(self._early).where(
                early.appointment_id == event.appointment.appointment_id, early.version == event.version
            )
        )

    def _predecessor_applied(self) -> ColumnElement[bool]:
        inbox, early = self._inbox.c, self._early.c
        return exists().where(and_(inbox.appointment_id == early.appointment_id, inbox.version == early.version - 1))


def _storable(text_value: str) -> str:
    """Escape NUL, which Postgres does not store in text, and truncate."""
    return text_value.replace("\x00", "\\x00")[:1000]
