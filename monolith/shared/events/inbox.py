"""What a module knows of the events it was given: applied, early, dead. One transaction with the effect."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, MetaData, and_, delete, exists, func, insert, or_, select, text
from sqlalchemy.dialects import postgresql

from contracts.scheduling.codec import encode_event
from contracts.scheduling.events import AnyEvent
from monolith.shared.events.consumer_group import StreamEntry
from monolith.shared.events.tables import consumer_tables


@dataclass(frozen=True, slots=True)
class Gap:
    """An event that has waited for its predecessor."""

    appointment_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class EventStatus:
    """`applied`: the newest version that was, 0 for none. `dead`: None, or whether its letter still lies there (it
    does not while it is being replayed). `successor`: the early event that is next after this one."""

    applied: int
    dead: bool | None
    early: bool
    successor: bytes | None


class Inbox:
    """The statements; each takes the caller's transaction."""

    def __init__(self, schema: str) -> None:
        self._schema = schema
        tables = consumer_tables(MetaData(), schema)
        self._inbox, self._early, self._dead = tables.inbox, tables.early_event, tables.dead_letter

    def lock(self, connection: Connection, appointment_id: UUID) -> None:
        """One transaction at a time applies events of an appointment; the others wait until it has committed."""
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"),
            {"key": f"{self._schema}.inbox {appointment_id}"},
        )

    def status(self, connection: Connection, event: AnyEvent) -> EventStatus:
        """What is known of the event, under `lock`. Indexes inbox_version, dead_letter_event, early_event's own."""
        inbox, early, dead = self._inbox.c, self._early.c, self._dead.c
        appointment_id = event.appointment.appointment_id
        ours = early.appointment_id == appointment_id
        letters = select(dead.replayed_at.is_(None)).where(dead.event_id == event.event_id)
        applied = select(func.max(inbox.version)).where(inbox.appointment_id == appointment_id)
        row = connection.execute(
            select(
                func.coalesce(applied.scalar_subquery(), 0),
                letters.scalar_subquery(),
                exists().where(ours, early.version == event.version),
                select(early.payload).where(ours, early.version == event.version + 1).scalar_subquery(),
            )
        ).one()
        return EventStatus(*row)

    def record(self, connection: Connection, event: AnyEvent, status: EventStatus) -> None:
        """Say that the event is applied; it is then neither early nor dead."""
        connection.execute(
            insert(self._inbox).values(
                event_id=event.event_id,
                appointment_id=event.appointment.appointment_id,
                version=event.version,
            )
        )
        if status.early:
            self._forget_early(connection, event)
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
        """Early events whose predecessor was applied some time ago. The table is nearly always empty."""
        early = self._early.c
        overdue = early.arrived_at < func.now() - older_than
        return connection.execute(select(early.payload).where(overdue, self._predecessor_applied())).scalars().all()

    def gaps(self, connection: Connection, older_than: timedelta) -> list[Gap]:
        """Early events whose predecessor has not come, and is not dead either: an operator decides about those."""
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
        """`event` is None for an entry that could not be trusted to say which it is."""
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
            self._forget_early(connection, event)
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

    def _forget_early(self, connection: Connection, event: AnyEvent) -> None:
        early = self._early.c
        connection.execute(
            delete(self._early).where(
                early.appointment_id == event.appointment.appointment_id, early.version == event.version
            )
        )

    def _predecessor_applied(self) -> ColumnElement[bool]:
        inbox, early = self._inbox.c, self._early.c
        return exists().where(and_(inbox.appointment_id == early.appointment_id, inbox.version == early.version - 1))


def _storable(foreign: str) -> str:
    """Postgres keeps no NUL in a text."""
    return foreign.replace("\x00", "\\x00")[:1000]
