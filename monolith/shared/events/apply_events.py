"""Decoding of stream entries, and the application of a batch in one transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from contracts.scheduling.events import AnyEvent, MalformedEvent, decode_event
from monolith.shared.events.batch import BatchPlan, KnownEvents, plan_batch
from monolith.shared.events.consumer import Consumer, EventRejected
from monolith.shared.events.consumer_group import LARGEST_EVENT, StreamEntry
from monolith.shared.events.inbox import Inbox

NO_LIMIT = timedelta(days=36_500)


class InvalidEntry(Exception):
    """The entry was not written by a relay: not an event of the contract, or with a wrong id."""


class ForgedEntry(InvalidEntry):
    """The entry has no valid signature. Replaying it without an inspection would sign it."""


def read_event(entry: StreamEntry) -> AnyEvent:
    """Decode the event of an entry. Raises InvalidEntry."""
    if not entry.authentic:
        raise ForgedEntry("it is not signed with a secret of EVENT_SECRETS")
    if len(entry.payload) > LARGEST_EVENT:
        raise InvalidEntry(f"an event of {len(entry.payload)} bytes")
    try:
        event = decode_event(entry.payload)
    except MalformedEvent as error:
        raise InvalidEntry(str(error)) from error
    if entry.stated_id != str(event.event_id):
        raise InvalidEntry("the entry's id does not match the event's")
    return event


def apply_events(
    consumer: Consumer, inbox: Inbox, events: Sequence[AnyEvent], *, oldest: timedelta = NO_LIMIT
) -> BatchPlan:
    """Apply each event once and record it in the inbox, all in one transaction. Idempotent.

    Return what was done. Raises EventRejected for an event that occurred longer than `oldest` ago and is not known to
    be applied: its inbox row may have been pruned. Such an event is applied if it is a dead letter that an operator
    replays, also without its predecessor, which cannot arrive any more, unless that waits as well. An exception of the
    handler rolls everything back and propagates.
    """
    businesses = {event.business_id for event in events}
    appointments = {event.appointment.appointment_id for event in events}
    with consumer.database.transaction(businesses) as connection:
        inbox.lock(connection, businesses)
        known = inbox.known(connection, appointments, [event.event_id for event in events])
        plan = plan_batch(events, known, _without_predecessor(connection, inbox, events, known, oldest))
        _require_recent([*plan.applied, *plan.early], known, oldest)
        inbox.record(connection, plan.applied, known)
        inbox.delete_dead(connection, plan.already_applied, known)
        inbox.store_early(connection, plan.early)
        for wave in plan.waves:
            consumer.handle(wave, connection)
        return plan


def _without_predecessor(
    connection: Connection, inbox: Inbox, events: Sequence[AnyEvent], known: KnownEvents, oldest: timedelta
) -> frozenset[UUID]:
    """Return the replayed events, older than `oldest`, whose predecessor is neither a dead letter nor early.

    The predecessor was applied and pruned, or lost: outboxes do not retain it so long.
    """
    limit = datetime.now(UTC) - oldest
    return frozenset(
        event.event_id
        for event in events
        if known.dead.get(event.event_id) is False
        and event.occurred_at < limit
        and (event.appointment.appointment_id, event.version - 1) not in known.early
        and not inbox.has_dead_predecessor(connection, event)
    )


def _require_recent(events: Sequence[AnyEvent], known: KnownEvents, oldest: timedelta) -> None:
    """Raise EventRejected for an event older than `oldest`, except early ones and dead letters that are replayed."""
    limit = datetime.now(UTC) - oldest
    for event in events:
        waited = (event.appointment.appointment_id, event.version) in known.early or event.event_id in known.dead
        if event.occurred_at < limit and not waited:
            raise EventRejected(
                f"it occurred more than {oldest.days} days ago, so the inbox may have forgotten that it was applied; "
                "replay it if it was not"
            )
