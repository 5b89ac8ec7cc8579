"""Delivery of queued mails of all businesses. Runs as the role `notifications_sender`."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from prometheus_client import CollectorRegistry
from sqlalchemy import CTE, Connection, func, select, update
from sqlalchemy.exc import DBAPIError

from contracts.chassis import tracing
from contracts.chassis.backoff import backoff_delay
from contracts.scheduling.events import AnyEvent, decode_event
from monolith.modules.notifications.mail import InvalidAddress, Notification, SenderIdentity, compose
from monolith.modules.notifications.mail_text import one_line
from monolith.modules.notifications.metrics import MailMetrics
from monolith.modules.notifications.model import FOR_THE_BUSINESS, Kind, Recipient, Recipients, SenderBusiness
from monolith.modules.notifications.repository import SERIES_DELAY
from monolith.modules.notifications.smtp import DeliveryRejected, MailServer, ServerUnavailable
from monolith.modules.notifications.tables import message
from monolith.shared.database import ModuleDatabase
from monolith.shared.localization import SOURCE

log = logging.getLogger(__name__)

BATCH: Final = 50
CLAIM: Final = timedelta(minutes=2)
"""Longer than a batch takes. After this time, other senders retry the mails of a sender that crashed."""
BATCH_SECONDS: Final = 2.0
"""A batch that takes longer, such as with a slow server, releases the mails that it has not attempted. With the limit
of one mail, it ends long before the claim does, and has marked what it sent."""
LONGEST_PROBLEM: Final = 1000


_Key = tuple[UUID, UUID | None]
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


class Sender:
    """Sends mails at least once; any number of senders may run.

    A crash between the server's reply and the update of the rows sends the mails of the batch again, with the same
    Message-IDs, which let mail programs detect the duplicates.
    """

    def __init__(
        self,
        database: ModuleDatabase,
        recipients: Recipients,
        server: MailServer,
        sender: SenderIdentity,
        retries: RetryPolicy | None = None,
        metrics: MailMetrics | None = None,
    ) -> None:
        self._database = database
        self._recipients = recipients
        self._server = server
        self._sender = sender
        self._retries = retries or RetryPolicy()
        self._metrics = metrics or MailMetrics(CollectorRegistry())

    def step(self) -> bool:
        """Attempt a batch of mails; return whether any were due. No transaction is open during the delivery."""
        with self._database.transaction() as connection:
            due = _claim(connection)
        if not due:
            self._server.close()
            return False
        recipients = self._addressees(due)
        businesses = self._recipients.mailing_businesses({each.business_id for each in due})
        self._server.check_session()
        letters = _letters(due)
        held = [letter for letter in letters if _must_wait(letter[0], recipients)]
        self._hold(_flat(held))
        sent: list[_Due] = []
        try:
            self._send_all([letter for letter in letters if letter not in held], recipients, businesses, sent)
        finally:
            self._mark(sent, state="sent", sent_at=func.now(), problem=None)
            self._metrics.sent.inc(len(sent))
        return True

    def interrupt(self) -> None:
        """End the step in progress early, because the process ends. Thread-safe."""
        self._server.interrupt()

    def _hold(self, letters: Sequence[_Due]) -> None:
        """Hold mails until the addresses are confirmed, as some may have been just now."""
        if not letters:
            return
        self._mark(letters, state="held", attempts=message.c.attempts - 1)
        recipients = self._recipients.contacts({each.customer for each in letters})
        confirmed = [each for each in letters if not _is_unconfirmed(recipients.get(each.customer))]
        self._mark(confirmed, state="pending", next_attempt_at=func.now())

    def _send_all(
        self,
        letters: Sequence[list[_Due]],
        recipients: Mapping[_Key, Recipient],
        businesses: Mapping[UUID, SenderBusiness],
        sent: list[_Due],
    ) -> None:
        """Attempt the letters in order, and add the messages of those that were accepted to `sent`."""
        until = time.monotonic() + BATCH_SECONDS
        for position, letter in enumerate(letters):
            if time.monotonic() > until:
                self._release(_flat(letters[position:]))
                return
            try:
                business = businesses.get(letter[0].business_id)
                self._send(letter, recipients.get(_addressee(letter[0])), business)
                sent += letter
            except ServerUnavailable as error:
                self._defer(_flat(letters[position:]), error)
                return
            except Exception as error:
                self._record_failure(letter, error)

    def _addressees(self, due: Sequence[_Due]) -> dict[_Key, Recipient]:
        """Return the recipients by business and customer or, for mails to the business, by business and None."""
        customers = {each.customer for each in due if each.kind not in FOR_THE_BUSINESS}
        businesses = {each.business_id for each in due if each.kind in FOR_THE_BUSINESS}
        found: dict[_Key, Recipient] = {}
        if customers:
            found.update(self._recipients.contacts(customers).items())
        if businesses:
            contacts = self._recipients.business_contacts(businesses)
            found.update(((business_id, None), contact) for business_id, contact in contacts.items())
        return found

    def _send(self, letter: Sequence[_Due], recipient: Recipient | None, business: SenderBusiness | None) -> None:
        if recipient is None:
            raise InvalidAddress("the recipient has no e-mail address")
        first = letter[0]
        if first.kind in FOR_THE_BUSINESS and not recipient.confirmed:
            raise InvalidAddress("the owner has not confirmed the e-mail address")
        events = _newest(decode_event(each.event) for each in letter)
        if any((event.business_id, event.appointment.customer_id) != first.customer for event in events):
            # The mail would have its link, so a row that names another recipient is not trusted.
            raise InvalidAddress("the appointment is that of another customer")
        customer = self._customer_name(first) if first.kind in FOR_THE_BUSINESS else None
        place = business.place if business else ""
        language = recipient.language or (business.language if business else SOURCE)
        notification = Notification(first.message_id, first.kind, events, first.created_at, customer, place, language)
        mail = compose(notification, recipient, self._sender)
        began = tracing.now_ns()
        self._server.send(mail)
        traceparent = events[0].traceparent or None
        tracing.finished_span("send mail", "client", traceparent, began, **{"mail.kind": first.kind})

    def _customer_name(self, due: _Due) -> str | None:
        return self._recipients.customer_names(due.business_id, {due.user_id}).get(due.user_id)

    def _record_failure(self, letter: Sequence[_Due], error: Exception) -> None:
        """Record a failed attempt. If its row cannot be updated, it is due again when the claim ends."""
        try:
            if isinstance(error, DeliveryRejected | InvalidAddress):
                self._fail(letter, str(error))
            else:
                self._defer(letter, error)
        except DBAPIError:  # An error of this statement alone; the other mails of the batch must not wait for it.
            log.exception("the outcome of mail %s cannot be recorded", letter[0].message_id)

    def _defer(self, letters: Sequence[_Due], error: Exception) -> None:
        final = [each for each in letters if each.attempts >= self._retries.attempts]
        self._fail(final, f"given up after {self._retries.attempts} attempts: {error}")
        waiting = [each for each in letters if each.attempts < self._retries.attempts]
        for attempts in {each.attempts for each in waiting}:
            again = [each for each in waiting if each.attempts == attempts]
            log.warning("delivery of %d mails failed (attempt %d): %s", len(again), attempts, error)
            self._metrics.deferred.inc(len(again))
            self._mark(again, next_attempt_at=func.now() + self._retries.delay(attempts), problem=_stored(error))

    def _fail(self, letters: Sequence[_Due], problem: str) -> None:
        for each in letters:
            log.warning("mail %s cannot be delivered: %s", each.message_id, problem)
        self._metrics.failed.inc(len(letters))
        self._mark(letters, state="failed", problem=_stored(problem))

    def _release(self, letters: Sequence[_Due]) -> None:
        self._mark(letters, next_attempt_at=func.now(), attempts=message.c.attempts - 1)

    def _mark(self, letters: Sequence[_Due], **values: object) -> None:
        if letters:
            ids = [each.message_id for each in letters]
            with self._database.transaction() as connection:
                connection.execute(update(message).values(**values).where(message.c.message_id.in_(ids)))


def _stored(problem: object) -> str:
    return one_line(str(problem))[:LONGEST_PROBLEM]


def _must_wait(due: _Due, recipients: Mapping[_Key, Recipient]) -> bool:
    """Return whether a mail waits for a confirmation: of the customer or, for a guest, of an owner of the business.

    Mails to a business are not held.
    """
    return due.kind not in FOR_THE_BUSINESS and _is_unconfirmed(recipients.get(due.customer))


def _is_unconfirmed(recipient: Recipient | None) -> bool:
    return recipient is not None and not recipient.confirmed


def _letters(due: Sequence[_Due]) -> list[list[_Due]]:
    """Group the messages into mails, in order: one per message, or per customer and kind for those of a series."""
    letters: dict[object, list[_Due]] = {}
    for each in due:
        is_grouped = each.series_id is not None and each.kind in _OF_SERIES
        series = (each.series_id, each.user_id, each.kind) if is_grouped else None
        letters.setdefault(series or each.message_id, []).append(each)
    return list(letters.values())


def _newest(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """Return the newest event of each appointment, by start: a series may have been moved twice since the last mail."""
    newest = {event.appointment.appointment_id: event for event in sorted(events, key=lambda event: event.version)}
    return sorted(newest.values(), key=lambda event: event.appointment.starts_at)


def _addressee(due: _Due) -> _Key:
    return (due.business_id, None) if due.kind in FOR_THE_BUSINESS else due.customer


def _claim(connection: Connection) -> list[_Due]:
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


def _claimed(connection: Connection, chosen: CTE) -> list[_Due]:
    claim = (
        update(message)
        .values(attempts=message.c.attempts + 1, next_attempt_at=func.now() + CLAIM)
        .where(message.c.message_id.in_(select(chosen.c.message_id)))
        .returning(*(message.c[each.name] for each in fields(_Due)))
    )
    return [_Due(*row) for row in connection.execute(claim)]


def _flat(letters: Sequence[Sequence[_Due]]) -> list[_Due]:
    return [each for letter in letters for each in letter]
