"""Sending of the mails about accounts, in the worker.

What a mail says depends on whether its address has an account. That is looked up here, after the request, so that
neither the answer nor its duration reveals it.
"""

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from contracts.chassis.backoff import backoff_delay
from monolith.modules.auth.account_letters import Letters
from monolith.modules.auth.api import FindLink
from monolith.modules.auth.repository import account_mails, memberships
from monolith.modules.auth.repository.account_mails import QueuedMail
from monolith.modules.auth.throttle import MAIL_TO_ADDRESS, Throttle, mailbox_of
from monolith.modules.notifications.api import DeliveryRejected, LetterSender, ServerUnavailable
from monolith.shared.customer_links import CustomerLinks
from monolith.shared.database import DatabaseUnavailable, ModuleDatabase
from monolith.shared.endpoints import ApiError

log = logging.getLogger(__name__)

BATCH = 20
CLAIM = timedelta(minutes=2)
"""Longer than a batch takes. After this time, another sender retries the mails of one that crashed."""
BATCH_SECONDS = 2.0
"""A batch that takes longer releases the mails that it has not attempted."""
ATTEMPTS = 20
_TO_ANY_ADDRESS = frozenset({"sign_up", "email_change", "reset", "invitation", "lost_link", "waitlist"})


class AccountMails:
    """Sends queued mails at least once; any number of senders may run. Each attempt creates another link."""

    def __init__(
        self,
        database: ModuleDatabase,
        throttle: Throttle,
        sender: LetterSender,
        public_url: str,
        find_link: FindLink,
        links: CustomerLinks,
    ) -> None:
        self._database = database
        self._throttle = throttle
        self._sender = sender
        self._letters = Letters(database, public_url, find_link, links)

    def step(self) -> bool:
        """Attempt a batch of mails; return whether any were due. Raises DatabaseUnavailable."""
        with self._database.transaction() as connection:
            due = account_mails.claim(connection, BATCH, CLAIM)
        until = time.monotonic() + BATCH_SECONDS
        for position, mail in enumerate(due):
            if time.monotonic() > until:
                self._release(due[position:])
                break
            try:
                self._send(mail)
            except ServerUnavailable as error:
                for waiting in due[position:]:
                    self._retry(waiting, error)
                break
            except DeliveryRejected as error:
                log.warning("mail %s cannot be delivered: %s", mail.mail_id, error)
                self._remove(mail)
            except DatabaseUnavailable:
                raise
            except Exception as error:
                self._retry(mail, error)
            else:
                self._remove(mail)
        if not due:
            self._sender.close()
        return bool(due)

    def _send(self, mail: QueuedMail) -> None:
        if mail.kind == "confirmed" and mail.subject_id is not None:
            self._sender.release(mail.subject_id, self._owned_by(mail.subject_id))
            return
        if mail.kind == "taken_over" and mail.subject_id is not None:
            self._sender.drop(mail.subject_id, self._owned_by(mail.subject_id))
            return
        try:
            letter = self._letters.write(mail, self._charge)
        except ApiError:
            log.warning("mail %s was dropped: its address receives too many", mail.mail_id)
            return
        if letter is not None:
            self._sender.send(letter)

    def _owned_by(self, user_id: UUID) -> list[UUID]:
        with self._database.transaction() as connection:
            return memberships.owned_by(connection, user_id)

    def _charge(self, connection: Connection, mail: QueuedMail) -> None:
        """Charge a mail that will be sent. Raises ApiError if its address gets many that strangers can request."""
        if mail.kind in _TO_ANY_ADDRESS and mail.attempts == 1:
            self._throttle.charge_within(connection, (MAIL_TO_ADDRESS, f"{mail.kind} {_counted_as(mail)}"))

    def _retry(self, mail: QueuedMail, error: Exception) -> None:
        """Attempt the mail again later, or give it up after the last attempt."""
        log.warning("delivery of mail %s failed (attempt %d of %d): %s", mail.mail_id, mail.attempts, ATTEMPTS, error)
        if mail.attempts >= ATTEMPTS:
            self._remove(mail)
            return
        delay = timedelta(seconds=backoff_delay(mail.attempts, 5.0, 3600.0))
        with self._database.transaction() as connection:
            account_mails.defer(connection, mail.mail_id, delay)

    def _release(self, mails: Sequence[QueuedMail]) -> None:
        with self._database.transaction() as connection:
            account_mails.release(connection, [each.mail_id for each in mails])

    def _remove(self, mail: QueuedMail) -> None:
        with self._database.transaction() as connection:
            account_mails.remove(connection, mail.mail_id)


def _counted_as(mail: QueuedMail) -> str:
    """Return the address, or the mailbox for all its tags together.

    An address is counted apart from its tags: otherwise strangers could use up, with tags that only they have made up,
    the mails that its owner is to receive. Resets go to confirmed accounts only, of which a mailbox may have several.
    """
    mailbox = mailbox_of(mail.email)
    return mail.email if mail.kind == "reset" or mail.email == mailbox else f"tags of {mailbox}"
