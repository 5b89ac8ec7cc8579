"""The mails that are due, and their claim by one sender."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import CTE, Connection, func, select, update

from contracts.scheduling.events import AnyEvent
from monolith.modules.notifications.model import FOR_THE_BUSINESS, Kind
from monolith.modules.notifications.repository import SERIES_DELAY
from monolith.modules.notifications.tables import message

BATCH: Final = 50
CLAIM: Final = timedelta(minutes=2)
"""Longer than a batch takes. After this time, other senders retry the mails of a sender that crashed."""

AddresseeKey = tuple[UUID, UUID | None]
"""A business and its customer, or None for the business itself."""
_OF_SERIES: tuple[Kind, ...] = (
    "confirmation",
    "request",
    "change",
    "cancellation",
    "business_booking",
    "business_request",
    "business_change",
    "business_cancellation",
)
"""Kinds of which a series is one mail: staff and customers can book, move and cancel it as a whole."""


@dataclass(frozen=True, slots=True)
class DueMail:
    message_id: UUID
    business_id: UUID
    user_id: UUID
    kind: Kind
    event: bytes
    attempts: int
    created_at: datetime
    series_id: UUID | None

    @property
    def customer(self) -> tuple[UUID, UUID]:
        return self.business_id, self.user_id


def letters_of(due: Sequence[DueMail]) -> list[list[DueMail]]:
    """Group the messages into mails, in order: one per message, or per customer and kind for those of a series."""
    letters: dict[object, list[DueMail]] = {}
    for each in due:
        is_grouped = each.series_id is not None and each.kind in _OF_SERIES
        series = (each.series_id, each.user_id, each.kind) if is_grouped else None
        letters.setdefault(series or each.message_id, []).append(each)
    return list(letters.values())


def newest_events(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """Return the newest event of each appointment, by start: a series may have been moved twice since the last mail."""
    newest = {event.appointment.appointment_id: event for event in sorted(events, key=lambda event: event.version)}
    return sorted(newest.values(), key=lambda event: event.appointment.starts_at)


def addressee_of(due: DueMail) -> AddresseeKey:
    return (due.business_id, None) if due.kind in FOR_THE_BUSINESS else due.customer


def claim_due(connection: Connection) -> list[DueMail]:
    """Claim the mails that have been due longest, and the rest of their series.

    Indexes message_due, message_of_series.
    """
    due = (
        select(message.c.message_id)
        .where(message.c.state == "pending", message.c.next_attempt_at <= func.now())
        .order_by(message.c.next_attempt_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    claimed = _claimed(connection, due)
    series = {each.series_id for each in claimed if each.series_id is not None and each.kind in _OF_SERIES}
    if series:
        # Those of another sender are claimed until later than this, and so are not due.
        rest = (
            select(message.c.message_id)
            .where(message.c.series_id.in_(series), message.c.state == "pending", message.c.kind.in_(_OF_SERIES))
            .where(message.c.next_attempt_at <= func.now() + SERIES_DELAY)
            .where(message.c.message_id.notin_([each.message_id for each in claimed]))
            .with_for_update(skip_locked=True)
            .cte("rest")
        )
        claimed += _claimed(connection, rest)
    return sorted(claimed, key=lambda each: each.message_id)


def _claimed(connection: Connection, chosen: CTE) -> list[DueMail]:
    claim = (
        update(message)
        .values(attempts=message.c.attempts + 1, next_attempt_at=func.now() + CLAIM)
        .where(message.c.message_id.in_(select(chosen.c.message_id)))
        .returning(*(message.c[each.name] for each in fields(DueMail)))
    )
    return [DueMail(*row) for row in connection.execute(claim)]


def flattened(letters: Sequence[Sequence[DueMail]]) -> list[DueMail]:
    return [each for letter in letters for each in letter]
