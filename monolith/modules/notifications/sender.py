"""Delivery of queued mails of all businesses. Runs as the role `notifications_sender`."""

import logging
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, func, select, update

from contracts.chassis.backoff import backoff_delay
from contracts.scheduling.events import decode_event
from monolith.modules.notifications.mail import InvalidAddress, Notification, SenderIdentity, compose
from monolith.modules.notifications.model import Kind, Recipients
from monolith.modules.notifications.smtp import DeliveryRejected, MailServer
from monolith.modules.notifications.tables import message
from monolith.shared.database import Database

log = logging.getLogger(__name__)

CLAIM = timedelta(minutes=2)
"""Longer than an attempt takes. After this time, other senders retry the mail of a sender that crashed."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff from `first` to `longest`; a mail counts as failed after `attempts`."""

    first: timedelta = timedelta(seconds=15)
    longest: timedelta = timedelta(hours=2)
    attempts: int = 20

    def delay(self, attempts: int) -> timedelta:
        """Return how long to wait after the n-th attempt."""
        return timedelta(seconds=backoff_delay(attempts, self.first.total_seconds(), self.longest.total_seconds()))


@dataclass(frozen=True, slots=True)
class _Due:
    message_id: UUID
    user_id: UUID
    kind: Kind
    event: bytes
    attempts: int
    created_at: datetime


class Sender:
    """Sends mails at least once; any number of senders may run.

    A crash between the server's reply and the update of the row sends the mail again, with the same Message-ID, which
    lets mail programs detect the duplicate.
    """

    def __init__(
        self,
        database: Database,
        recipients: Recipients,
        server: MailServer,
        sender: SenderIdentity,
        retries: RetryPolicy | None = None,
    ) -> None:
        self._database = database
        self._recipients = recipients
        self._server = server
        self._sender = sender
        self._retries = retries or RetryPolicy()

    def step(self) -> bool:
        """Attempt one mail; return false if none is due. No transaction is open during the delivery."""
        with self._database.transaction() as connection:
            due = _claim(connection)
        if due is None:
            return False
        try:
            self._send(due)
        except (DeliveryRejected, InvalidAddress) as error:
            self._mark(due, state="failed", problem=str(error))
            log.warning("mail %s cannot be delivered: %s", due.message_id, error)
        except Exception as error:
            self._later(due, error)
        else:
            self._mark(due, state="sent", sent_at=func.now(), problem=None)
        return True

    def _send(self, due: _Due) -> None:
        recipient = self._recipients.user(due.user_id)
        if recipient is None:
            raise InvalidAddress("the user no longer exists")
        notification = Notification(due.message_id, due.kind, decode_event(due.event), due.created_at)
        self._server.send(compose(notification, recipient, self._sender))

    def _later(self, due: _Due, error: Exception) -> None:
        log.warning("attempt to deliver mail %s failed (attempt %d): %s", due.message_id, due.attempts, error)
        if due.attempts >= self._retries.attempts:
            self._mark(due, state="failed", problem=f"given up after {due.attempts} attempts: {error}")
            return
        wait = self._retries.delay(due.attempts)
        self._mark(due, next_attempt_at=func.now() + wait, problem=str(error))

    def _mark(self, due: _Due, **values: object) -> None:
        with self._database.transaction() as connection:
            connection.execute(update(message).values(**values).where(message.c.message_id == due.message_id))


def _claim(connection: Connection) -> _Due | None:
    """Claim the mail that has been due longest for the time of one attempt. Index message_due."""
    row = connection.execute(
        select(message.c.message_id)
        .where(message.c.state == "pending", message.c.next_attempt_at <= func.now())
        .order_by(message.c.next_attempt_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return None
    claimed = connection.execute(
        update(message)
        .values(attempts=message.c.attempts + 1, next_attempt_at=func.now() + CLAIM)
        .where(message.c.message_id == row.message_id)
        .returning(*(message.c[each.name] for each in fields(_Due)))
    ).one()
    return _Due(*claimed)
