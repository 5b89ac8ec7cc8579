"""Sending of the mails about accounts, in the worker.

What a mail says depends on whether its address has an account. That is looked up here, after the request, so that
neither the answer nor its duration reveals it.
"""

import logging
from datetime import timedelta

from contracts.chassis.backoff import backoff_delay
from monolith.modules.auth.account_letters import Letters
from monolith.modules.auth.api import FindLink
from monolith.modules.auth.repository import account_mails
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
        for position, mail in enumerate(due):
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
            self._sender.release(mail.subject_id)
        elif self._may_send(mail):
            letter = self._letters.write(mail)
            if letter is not None:
                self._sender.send(letter)

    def _may_send(self, mail: QueuedMail) -> bool:
        """Return false if the sender of the request chose the address, which has received many such mails already."""
        if mail.kind not in _TO_ANY_ADDRESS or mail.attempts > 1:
            return True
        try:
            self._throttle.charge((MAIL_TO_ADDRESS, f"{mail.kind} {mailbox_of(mail.email)}"))
        except ApiError:
            log.warning("mail %s was dropped: its address receives too many", mail.mail_id)
            return False
        return True

    def _retry(self, mail: QueuedMail, error: Exception) -> None:
        """Attempt the mail again later, or give it up after the last attempt."""
        log.warning("delivery of mail %s failed (attempt %d of %d): %s", mail.mail_id, mail.attempts, ATTEMPTS, error)
        if mail.attempts >= ATTEMPTS:
            self._remove(mail)
            return
        delay = timedelta(seconds=backoff_delay(mail.attempts, 5.0, 3600.0))
        with self._database.transaction() as connection:
            account_mails.defer(connection, mail.mail_id, delay)

    def _remove(self, mail: QueuedMail) -> None:
        with self._database.transaction() as connection:
            account_mails.remove(connection, mail.mail_id)
