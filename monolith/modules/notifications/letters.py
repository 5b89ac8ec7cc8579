"""Mails of other modules to one person, such as about their account."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from monolith.modules.notifications.mail import InvalidAddress, SenderIdentity, compose_letter
from monolith.modules.notifications.mail_text import LetterText
from monolith.modules.notifications.repository import drop_held, forget_preferences, release_held
from monolith.modules.notifications.smtp import DeliveryRejected, MailServer
from monolith.shared.database import ModuleDatabase
from monolith.shared.localization import SOURCE, Language


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail in plain words. Each paragraph is a text or a link. `message_id` identifies it over retries."""

    message_id: UUID
    created_at: datetime
    recipient_name: str
    recipient_email: str
    subject: str
    paragraphs: tuple[str, ...]
    language: Language = SOURCE


class LetterSender:
    """Sends letters one at a time over a session of its own. Not thread-safe, except `interrupt`.

    `database` connects as `notifications_sender`.
    """

    def __init__(self, database: ModuleDatabase, server: MailServer, sender: SenderIdentity) -> None:
        self._database = database
        self._server = server
        self._sender = sender

    def send(self, letter: Letter) -> None:
        """Return once the mail server has accepted responsibility for the letter.

        Raises DeliveryRejected if it can never be delivered, and DeliveryDeferred if a retry may help.
        """
        text = LetterText(letter.recipient_name, letter.subject, letter.paragraphs, letter.language)
        try:
            mail = compose_letter(letter.message_id, letter.created_at, text, letter.recipient_email, self._sender)
        except InvalidAddress as error:
            raise DeliveryRejected(str(error)) from error
        self._server.check_session()
        self._server.send(mail)

    def release(self, user_id: UUID, owned: Collection[UUID] = ()) -> None:
        """Send the mails that were held until the user's address is confirmed. Idempotent.

        These are the user's own, and those to guests of the businesses that the user owns. Mails to customers of these
        businesses who have not confirmed their own addresses are held again.
        """
        with self._database.transaction() as connection:
            release_held(connection, user_id, owned)

    def drop(self, user_id: UUID, owned: Collection[UUID] = ()) -> None:
        """Give up the mails that were held for the user, whose account had another owner then. Idempotent.

        Also those to guests of the businesses that the user owns: the other owner chose whom to mail, and what.
        Preferences return to the default: the other owner may have turned mails off.
        """
        with self._database.transaction() as connection:
            drop_held(connection, user_id, owned)
            forget_preferences(connection, user_id)

    def close(self) -> None:
        """End the session with the mail server, if one is open."""
        self._server.close()

    def interrupt(self) -> None:
        """Defer the letter that is being sent, and all further ones, because the process ends. Thread-safe."""
        self._server.interrupt()
