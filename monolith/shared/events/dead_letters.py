"""Inspection, replay and deletion of dead letters, the events that could not be applied."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import MetaData, Select, delete, func, select, update

from monolith.shared.database import ModuleDatabase
from monolith.shared.events.apply_events import ForgedEntry
from monolith.shared.events.consumer_group import ConsumerGroup
from monolith.shared.events.tables import consumer_tables

PORTION = 1000
"""Letters that are read at once."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that could not be applied.

    `event_id`, `appointment_id` and `version` are None for an invalid entry. `replayed_at` is set during a replay; then
    the letter is either gone or dead again.
    """

    entry_id: str
    event_id: UUID | None
    appointment_id: UUID | None
    version: int | None
    reason: str
    died_at: datetime
    replayed_at: datetime | None

    @property
    def is_forged(self) -> bool:
        """Whether it became a dead letter because its signature was missing or wrong."""
        return self.reason.startswith(ForgedEntry.__name__)


class DeadLetters:
    """The dead letters of one module. `schema` is the name of its consumer."""

    def __init__(self, database: ModuleDatabase, schema: str) -> None:
        self._database = database
        self._table = consumer_tables(MetaData(), schema).dead_letter

    def list_letters(self, limit: int | None = None) -> list[DeadLetter]:
        """Return the dead letters, at most `limit`, sorted by appointment and version. Raises DatabaseUnavailable."""
        return list(self.iterate(limit))

    def iterate(self, limit: int | None = None) -> Iterator[DeadLetter]:
        """Read the same letters as `list_letters` in portions, in one transaction that lasts as long as the loop."""
        with self._database.transaction() as connection:
            rows = connection.execution_options(yield_per=PORTION).execute(self._sorted(self._columns()).limit(limit))
            yield from (DeadLetter(*row) for row in rows)

    def find(self, entry_ids: Collection[str]) -> list[DeadLetter]:
        """Return the letters with these names, sorted by appointment and version. Raises DatabaseUnavailable."""
        named = self._sorted(self._columns()).where(self._table.c.entry_id.in_(entry_ids))
        with self._database.transaction() as connection:
            return [DeadLetter(*row) for row in connection.execute(named)]

    def names(self, *, forged: bool) -> list[str]:
        """Return the names of all letters that are forged, or of all others, sorted by appointment and version.

        Raises DatabaseUnavailable.
        """
        is_forged = self._table.c.reason.startswith(ForgedEntry.__name__)
        named = self._sorted(select(self._table.c.entry_id)).where(is_forged if forged else ~is_forged)
        with self._database.transaction() as connection:
            return list(connection.execute(named).scalars())

    def count(self) -> int:
        """Return the number of dead letters. Raises DatabaseUnavailable."""
        counted = select(func.count()).select_from(self._table)
        with self._database.transaction() as connection:
            return int(connection.execute(counted).scalar_one())

    def payload(self, entry_id: str) -> bytes | None:
        """Return the event of a dead letter as it was received; None if there is none. Raises DatabaseUnavailable."""
        stored = select(self._table.c.payload).where(self._table.c.entry_id == entry_id)
        with self._database.transaction() as connection:
            found: bytes | None = connection.execute(stored).scalar_one_or_none()
        return found

    def discard(self, entry_ids: Collection[str]) -> int:
        """Delete the letters without applying their events, and return their number. Raises DatabaseUnavailable."""
        with self._database.transaction() as connection:
            return connection.execute(delete(self._table).where(self._table.c.entry_id.in_(entry_ids))).rowcount

    def replay(self, group: ConsumerGroup, entry_ids: Collection[str]) -> int:
        """Append the letters to the stream again, in version order, and return their number.

        A letter disappears when its event is applied, and remains if it fails again, so repeating a replay is harmless.
        Raises DatabaseUnavailable and redis.RedisError; letters that were already appended stay in the stream.
        """
        with self._database.transaction() as connection:
            letters = connection.execute(self._letters(entry_ids)).all()
            # Committed before the events are appended: consumers ignore an event whose letter is still marked dead.
            replayed = update(self._table).values(replayed_at=func.now())
            connection.execute(replayed.where(self._table.c.entry_id.in_(entry_ids)))
        for letter in letters:
            group.add(letter.stated_id, letter.payload)
        self._delete_invalid(entry_ids)
        return len(letters)

    def _letters(self, entry_ids: Collection[str]) -> Select[Any]:
        dead = self._table.c
        return self._sorted(select(dead.stated_id, dead.payload).where(dead.entry_id.in_(entry_ids)))

    def _columns(self) -> Select[Any]:
        dead = self._table.c
        return select(
            dead.entry_id, dead.event_id, dead.appointment_id, dead.version,
            dead.reason, dead.died_at, dead.replayed_at,
        )  # fmt: skip

    def _sorted(self, letters: Select[Any]) -> Select[Any]:
        dead = self._table.c
        return letters.order_by(dead.appointment_id, dead.version, dead.died_at, dead.entry_id)

    def _delete_invalid(self, entry_ids: Collection[str]) -> None:
        """Delete letters of invalid entries, which no applied event will remove."""
        dead = self._table.c
        with self._database.transaction() as connection:
            connection.execute(delete(self._table).where(dead.entry_id.in_(entry_ids), dead.event_id.is_(None)))
