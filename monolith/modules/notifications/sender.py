"""Delivery of queued mails of all businesses. Runs as the role `notifications_sender`."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from prometheus_client import CollectorRegistry
from sqlalchemy import func, update
from sqlalchemy.exc import DBAPIError

from contracts.chassis import tracing
from contracts.chassis.backoff import backoff_delay
from contracts.scheduling.events import decode_event
from monolith.modules.notifications.due_mails import (
    AddresseeKey,
    DueMail,
    addressee_of,
    claim_due,
    flattened,
    letters_of,
    newest_events,
)
from monolith.modules.notifications.mail import InvalidAddress, Notification, SenderIdentity, compose
from monolith.modules.notifications.mail_text import one_line
from monolith.modules.notifications.metrics import MailMetrics
from monolith.modules.notifications.model import FOR_THE_BUSINESS, Recipient, Recipients, SenderBusiness
from monolith.modules.notifications.smtp import DeliveryRejected, MailServer, ServerUnavailable
from monolith.modules.notifications.tables import message
from monolith.shared.database import ModuleDatabase
from monolith.shared.localization import SOURCE

log = logging.getLogger(__name__)

BATCH_SECONDS: Final = 2.0
"""A batch that takes longer, such as with a slow server, releases the mails that it has not attempted. With the limit
of one mail, it ends long before the claim does, and has marked what it sent."""
LONGEST_PROBLEM: Final = 1000


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff from `first` to `longest`; a mail counts as failed after `attempts`."""

    first: timedelta = timedelta(seconds=15)
    longest: timedelta = timedelta(hours=2)
    attempts: int = 20

    def delay(self, attempts: int) -> timedelta:
        """Return how long to wait after the n-th attempt."""
        return timedelta(seconds=backoff_delay(attempts, self.first.total_seconds(), self.longest.total_seconds()))


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
            due = claim_due(connection)
        if not due:
            self._server.close()
            return False
        recipients = self._addressees(due)
        businesses = self._recipients.mailing_businesses({each.business_id for each in due})
        self._server.check_session()
        letters = letters_of(due)
        held = [letter for letter in letters if _must_wait(letter[0], recipients)]
        self._hold(flattened(held))
        sent: list[DueMail] = []
        try:
            self._send_all([letter for letter in letters if letter not in held], recipients, businesses, sent)
        finally:
            self._mark(sent, state="sent", sent_at=func.now(), problem=None)
            self._metrics.sent.inc(len(sent))
        return True

    def interrupt(self) -> None:
        """End the step in progress early, because the process ends. Thread-safe."""
        self._server.interrupt()

    def _hold(self, letters: Sequence[DueMail]) -> None:
        """Hold mails until the addresses are confirmed, as some may have been just now."""
        if not letters:
            return
        self._mark(letters, state="held", attempts=message.c.attempts - 1)
        recipients = self._recipients.contacts({each.customer for each in letters})
        confirmed = [each for each in letters if not _is_unconfirmed(recipients.get(each.customer))]
        self._mark(confirmed, state="pending", next_attempt_at=func.now())

    def _send_all(
        self,
        letters: Sequence[list[DueMail]],
        recipients: Mapping[AddresseeKey, Recipient],
        businesses: Mapping[UUID, SenderBusiness],
        sent: list[DueMail],
    ) -> None:
        """Attempt the letters in order, and add the messages of those that were accepted to `sent`."""
        until = time.monotonic() + BATCH_SECONDS
        for position, letter in enumerate(letters):
            if time.monotonic() > until:
                self._release(flattened(letters[position:]))
                return
            try:
                business = businesses.get(letter[0].business_id)
                self._send(letter, recipients.get(addressee_of(letter[0])), business)
                sent += letter
            except ServerUnavailable as error:
                self._defer(flattened(letters[position:]), error)
                return
            except Exception as error:
                self._record_failure(letter, error)

    def _addressees(self, due: Sequence[DueMail]) -> dict[AddresseeKey, Recipient]:
        """Return the recipients by business and customer or, for mails to the business, by business and None."""
        customers = {each.customer for each in due if each.kind not in FOR_THE_BUSINESS}
        businesses = {each.business_id for each in due if each.kind in FOR_THE_BUSINESS}
        found: dict[AddresseeKey, Recipient] = {}
        if customers:
            found.update(self._recipients.contacts(customers).items())
        if businesses:
            contacts = self._recipients.business_contacts(businesses)
            found.update(((business_id, None), contact) for business_id, contact in contacts.items())
        return found

    def _send(self, letter: Sequence[DueMail], recipient: Recipient | None, business: SenderBusiness | None) -> None:
        if recipient is None:
            raise InvalidAddress("the recipient has no e-mail address")
        first = letter[0]
        if first.kind in FOR_THE_BUSINESS and not recipient.confirmed:
            raise InvalidAddress("the owner has not confirmed the e-mail address")
        events = newest_events(decode_event(each.event) for each in letter)
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

    def _customer_name(self, due: DueMail) -> str | None:
        return self._recipients.customer_names(due.business_id, {due.user_id}).get(due.user_id)

    def _record_failure(self, letter: Sequence[DueMail], error: Exception) -> None:
        """Record a failed attempt. If its row cannot be updated, it is due again when the claim ends."""
        try:
            if isinstance(error, DeliveryRejected | InvalidAddress):
                self._fail(letter, str(error))
            else:
                self._defer(letter, error)
        except DBAPIError:  # An error of this statement alone; the other mails of the batch must not wait for it.
            log.exception("the outcome of mail %s cannot be recorded", letter[0].message_id)

    def _defer(self, letters: Sequence[DueMail], error: Exception) -> None:
        final = [each for each in letters if each.attempts >= self._retries.attempts]
        self._fail(final, f"given up after {self._retries.attempts} attempts: {error}")
        waiting = [each for each in letters if each.attempts < self._retries.attempts]
        for attempts in {each.attempts for each in waiting}:
            again = [each for each in waiting if each.attempts == attempts]
            log.warning("delivery of %d mails failed (attempt %d): %s", len(again), attempts, error)
            self._metrics.deferred.inc(len(again))
            self._mark(again, next_attempt_at=func.now() + self._retries.delay(attempts), problem=_stored(error))

    def _fail(self, letters: Sequence[DueMail], problem: str) -> None:
        for each in letters:
            log.warning("mail %s cannot be delivered: %s", each.message_id, problem)
        self._metrics.failed.inc(len(letters))
        self._mark(letters, state="failed", problem=_stored(problem))

    def _release(self, letters: Sequence[DueMail]) -> None:
        self._mark(letters, next_attempt_at=func.now(), attempts=message.c.attempts - 1)

    def _mark(self, letters: Sequence[DueMail], **values: object) -> None:
        if letters:
            ids = [each.message_id for each in letters]
            with self._database.transaction() as connection:
                connection.execute(update(message).values(**values).where(message.c.message_id.in_(ids)))


def _stored(problem: object) -> str:
    return one_line(str(problem))[:LONGEST_PROBLEM]


def _must_wait(due: DueMail, recipients: Mapping[AddresseeKey, Recipient]) -> bool:
    """Return whether a mail waits for a confirmation: of the customer or, for a guest, of an owner of the business.

    Mails to a business are not held.
    """
    return due.kind not in FOR_THE_BUSINESS and _is_unconfirmed(recipients.get(due.customer))


def _is_unconfirmed(recipient: Recipient | None) -> bool:
    return recipient is not None and not recipient.confirmed
