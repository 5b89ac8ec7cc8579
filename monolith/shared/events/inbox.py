"""SQL for the inbox of a module: applied, early and dead events, in the transaction of the effect."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    MetaData,
    and_,
    cast,
    delete,
    exists,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects import postgresql

from contracts.scheduling.events import AnyEvent, encode_event
from monolith.shared.events.batch import KnownEvents
from monolith.shared.events.consumer_group import LARGEST_EVENT, StreamEntry
from monolith.shared.events.tables import consumer_tables

LONGEST_ID = 200
_CHANGEABLE = frozenset({"held", "pending", "booked"})
"""The appointment's states that another event can follow."""


@dataclass(frozen=True, slots=True)
class Gap:
    """An early event whose predecessor is missing."""

    appointment_id: UUID
    version: int


class Inbox:
    """The inbox tables in `schema`. Methods run in the caller's transaction."""

    def __init__(self, schema: str) -> None:
        self._schema = schema
        tables = consumer_tables(MetaData(), schema)
        self._inbox, self._early, self._dead = tables.inbox, tables.early_event, tables.dead_letter
        self._known, self._record = text(_KNOWN.replace("SCHEMA", schema)), text(_RECORD.replace("SCHEMA", schema))

    def lock(self, connection: Connection, businesses: Collection[UUID]) -> None:
        """Serialize the application of each business's events until the transaction ends.

        Every transaction takes these locks first and in the same order, so transactions do not deadlock, whichever rows
        of the businesses their effects lock later.
        """
        connection.execute(
            _LOCK,
            {"prefix": f"{self._schema}.inbox ", "ids": [str(each) for each in businesses]},
        )

    def known(self, connection: Connection, appointments: Collection[UUID], event_ids: Collection[UUID]) -> KnownEvents:
        """Return the state of these appointments and events, under `lock`.

        Indexes inbox_version, dead_letter_event, early_event_pkey. The last two tables are nearly always empty.
        """
        rows = connection.execute(
            self._known,
            {"appointments": list(appointments), "events": list(event_ids)},
        ).all()
        return KnownEvents(
            applied={each: version for kind, each, version, _, _ in rows if kind == "applied"},
            dead={each: blocks for kind, each, _, _, blocks in rows if kind == "dead"},
            early={(each, version): payload for kind, each, version, payload, _ in rows if kind == "early"},
        )

    def record(self, connection: Connection, applied: Sequence[AnyEvent], known: KnownEvents) -> None:
        """Record that the events are applied; they are no longer early or dead."""
        if not applied:
            return
        connection.execute(
            self._record,
            {
                "events": [event.event_id for event in applied],
                "appointments": [event.appointment.appointment_id for event in applied],
                "versions": [event.version for event in applied],
                "final": [event.appointment.status not in _CHANGEABLE for event in applied],
            },
        )
        for event in applied:
            if (event.appointment.appointment_id, event.version) in known.early:
                self._delete_early(connection, event)
        self.delete_dead(connection, applied, known)

    def delete_dead(self, connection: Connection, events: Sequence[AnyEvent], known: KnownEvents) -> None:
        """Delete the dead letters of events that are applied."""
        for event in events:
            if event.event_id in known.dead:
                connection.execute(delete(self._dead).where(self._dead.c.event_id == event.event_id))

    def has_dead_predecessor(self, connection: Connection, event: AnyEvent) -> bool:
        """Return whether the predecessor of the event is a dead letter. Scans a small table."""
        dead = self._dead.c
        predecessor = and_(dead.appointment_id == event.appointment.appointment_id, dead.version == event.version - 1)
        return bool(connection.execute(select(exists().where(predecessor))).scalar_one())

    def store_early(self, connection: Connection, events: Sequence[AnyEvent]) -> None:
        """Store events whose predecessor has not arrived."""
        if events:
            rows = [
                {
                    "appointment_id": event.appointment.appointment_id,
                    "version": event.version,
                    "payload": encode_event(event),
                }
                for event in events
            ]
            connection.execute(postgresql.insert(self._early).on_conflict_do_nothing(), rows)

    def stranded_successors(self, connection: Connection, older_than: timedelta) -> Sequence[bytes]:
        """Return early events whose predecessor has been applied, older than `older_than`. Scans a small table."""
        early = self._early.c
        overdue = early.arrived_at < func.now() - older_than
        return connection.execute(select(early.payload).where(overdue, self._predecessor_applied())).scalars().all()

    def gaps(self, connection: Connection, older_than: timedelta, oldest: timedelta) -> list[Gap]:
        """Return early events whose predecessor has not arrived within `older_than`, and can still arrive.

        Dead predecessors are left to operators. Those of an event that occurred longer than `oldest` ago are in no
        outbox any more.
        """
        early, dead = self._early.c, self._dead.c
        predecessor_dead = exists().where(
            dead.appointment_id == early.appointment_id, dead.version == early.version - 1
        )
        overdue = early.arrived_at < func.now() - older_than
        event = cast(func.convert_from(early.payload, "UTF8"), postgresql.JSON)
        occurred_at = cast(event["occurred_at"].astext, DateTime(timezone=True))
        waiting = select(early.appointment_id, early.version).where(
            overdue, ~self._predecessor_applied(), ~predecessor_dead, occurred_at > func.now() - oldest
        )
        return [Gap(*row) for row in connection.execute(waiting)]

    def add_dead_letter(self, connection: Connection, entry: StreamEntry, event: AnyEvent | None, reason: str) -> None:
        """Store a dead letter; `event` is None for an invalid entry. No more is stored than an event can have.

        It replaces an earlier letter of the same event, or of the same invalid entry, and no other: entry ids are
        chosen by the clients of Redis, and repeat once the stream was deleted.
        """
        stated_id, payload = _storable(entry.stated_id[:LONGEST_ID]), entry.payload[: LARGEST_EVENT + 1]
        known: dict[str, object] = {}
        if event is not None:
            connection.execute(delete(self._dead).where(self._dead.c.event_id == event.event_id))
            known = {
                "event_id": event.event_id,
                "appointment_id": event.appointment.appointment_id,
                "version": event.version,
            }
            self._delete_early(connection, event)
        connection.execute(
            insert(self._dead).values(
                entry_id=self._free_name(connection, entry.entry_id, stated_id, payload, is_event=event is not None),
                stated_id=stated_id,
                payload=payload,
                reason=_storable(reason),
                **known,
            )
        )

    def _free_name(
        self, connection: Connection, entry_id: str, stated_id: str, payload: bytes, *, is_event: bool
    ) -> str:
        """Return the entry's id, or that with a suffix if the id names a letter with another content.

        Deletes the letter of the returned name, which is that of an invalid entry with the same content. An invalid
        copy of an event never gets the event's suffix.
        """
        dead, name = self._dead.c, entry_id
        same = and_(dead.event_id.is_(None), dead.stated_id == stated_id, dead.payload == payload)
        connection.execute(delete(self._dead).where(dead.entry_id == name, same))
        if connection.execute(select(exists().where(dead.entry_id == name))).scalar_one():
            content = hashlib.sha256(b"%d\0%b\0%b" % (is_event, stated_id.encode(), payload)).digest()
            name = f"{entry_id}-{int.from_bytes(content[:7]):017}"
            connection.execute(delete(self._dead).where(dead.entry_id == name))
        return name

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


_LOCK = text("""
    SELECT pg_advisory_xact_lock(key)
      FROM (SELECT DISTINCT hashtextextended(:prefix || id, 0) AS key FROM unnest(CAST(:ids AS text[])) AS id
             ORDER BY key) AS keys
""")
_KNOWN = """
    SELECT 'applied', appointment_id, max(version), NULL::bytea, NULL::boolean
      FROM SCHEMA.inbox WHERE appointment_id = ANY (:appointments) GROUP BY appointment_id
    UNION ALL
    SELECT 'early', appointment_id, version, payload, NULL
      FROM SCHEMA.early_event WHERE appointment_id = ANY (:appointments)
    UNION ALL
    SELECT 'dead', event_id, NULL, NULL, replayed_at IS NULL
      FROM SCHEMA.dead_letter WHERE event_id = ANY (:events)
"""
_RECORD = """
    INSERT INTO SCHEMA.inbox (event_id, appointment_id, version, is_final)
    SELECT * FROM unnest(CAST(:events AS uuid[]), CAST(:appointments AS uuid[]), CAST(:versions AS integer[]),
                         CAST(:final AS boolean[]))
"""
