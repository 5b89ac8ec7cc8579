"""What an operator does with events that could not be applied: look, mend the cause, replay."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import MetaData, Select, delete, func, select, update

from monolith.shared.database import Database
from monolith.shared.events.consumer_group import ConsumerGroup
from monolith.shared.events.tables import consumer_tables


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`event_id`, `appointment_id` and `version` are None for a forged or malformed entry. `replayed_at` is set while
    a replay is under way; it ends with the letter gone, or dead again."""

    entry_id: str
    event_id: UUID | None
    appointment_id: UUID | None
    version: int | None
    reason: str
    died_at: datetime
    replayed_at: datetime | None


class DeadLetters:
    """The dead letters of one module; `schema` is its consumer's name."""

    def __init__(self, database: Database, schema: str) -> None:
        self._database = database
        self._table = consumer_tables(MetaData(), schema).dead_letter

    def list_letters(self, limit: int = 1000) -> list[DeadLetter]:
        """Oldest first. Raises DatabaseUnavailable."""
        dead = self._table.c
        columns = (
            dead.entry_id, dead.event_id, dead.appointment_id, dead.version,
            dead.reason, dead.died_at, dead.replayed_at,
        )  # fmt: skip
        query = select(*columns).order_by(dead.appointment_id, dead.version, dead.died_at).limit(limit)
        with self._database.transaction() as connection:
            return [DeadLetter(*row) for row in connection.execute(query)]

    def replay(self, group: ConsumerGroup, entry_ids: Collection[str]) -> int:
        """Put the letters back into the stream, in version order; answers how many there were.

        A letter disappears when its event is applied and dies again when it fails again, so replaying twice is
        harmless. Raises DatabaseUnavailable, redis.RedisError: those already put back stay so.
        """
        with self._database.transaction() as connection:
            letters = connection.execute(self._letters(entry_ids)).all()
            # Committed first: an event whose letter still counts as dead would be ignored.
            replayed = update(self._table).values(replayed_at=func.now())
            connection.execute(replayed.where(self._table.c.entry_id.in_(entry_ids)))
        for letter in letters:
            group.add(letter.stated_id, letter.payload)
        self._forget_nameless(entry_ids)
        return len(letters)

    def _letters(self, entry_ids: Collection[str]) -> Select[tuple[str, str, bytes]]:
        dead = self._table.c
        letters = select(dead.entry_id, dead.stated_id, dead.payload).where(dead.entry_id.in_(entry_ids))
        return letters.order_by(dead.appointment_id, dead.version, dead.died_at)

    def _forget_nameless(self, entry_ids: Collection[str]) -> None:
        """Those of which nobody knows which event they were: nothing else will remove their letters."""
        dead = self._table.c
        with self._database.transaction() as connection:
            connection.execute(delete(self._table).where(dead.entry_id.in_(entry_ids), dead.event_id.is_(None)))
