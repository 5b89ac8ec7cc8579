"""SMTP client, and the classification of its errors."""

import smtplib
import ssl
from contextlib import suppress
from functools import cached_property
from urllib.parse import unquote, urlsplit

from monolith.modules.notifications.mail import ComposedMail
from monolith.modules.notifications.mail_text import one_line
from monolith.modules.notifications.smtp_session import LimitedSession, LimitedTlsSession, SessionLimits

MAIL_SECONDS = 10.0
"""Limits one mail, together with the session that is opened for it."""
_CLOSING_SECONDS = 1.0
LONGEST_REASON = 500


class DeliveryRejected(Exception):
    """The server rejected the mail permanently; the message is its reason: printable, at most 500 characters."""


class DeliveryDeferred(Exception):
    """The server reported a temporary error for this mail; the message is as of `DeliveryRejected`."""


class ServerUnavailable(DeliveryDeferred):
    """No session can be opened, or the server refuses this client, so no other mail can be delivered now either."""


class MailServer:
    """A mail server at `smtp://[user:password@]host[:port]`, or `smtps://` for implicit TLS.

    STARTTLS is used if the server offers it; the password is sent over TLS only. One session is kept open between
    mails. Not thread-safe, except `interrupt`.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._implicit_tls = parts.scheme == "smtps"
        self._host = parts.hostname or "localhost"
        self._port = parts.port or (465 if self._implicit_tls else 25)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._session: smtplib.SMTP | None = None
        self._limits = SessionLimits()

    def check_session(self) -> None:
        """Discard an idle session that the server has closed. Call it before a batch of mails."""
        if self._session is not None:
            self._limits.begin(_CLOSING_SECONDS)
            with suppress(smtplib.SMTPException, OSError):
                if self._session.noop()[0] == 250:
                    return
            self.close()

    def send(self, mail: ComposedMail) -> None:
        """Return once the server has accepted responsibility for the mail. Opens a session where none is open.

        Ends within about ten seconds, plus the resolution of the server's name. Raises DeliveryRejected,
        DeliveryDeferred, or ServerUnavailable if no session can be opened. After DeliveryDeferred the server may still
        have accepted the mail.
        """
        self._limits.begin(MAIL_SECONDS)
        session = self._session or self._connect()
        try:
            session.sendmail(mail.sender, [mail.recipient], mail.content)
        except (smtplib.SMTPException, OSError) as error:
            # The session may be in the middle of a transaction, which would make the server reject the next mail.
            self.close()
            raise _delivery_error(error) from error

    def close(self) -> None:
        """End the session, if one is open."""
        session, self._session = self._session, None
        if session is not None:
            self._limits.begin(_CLOSING_SECONDS)
            with suppress(smtplib.SMTPException, OSError):
                session.quit()
            session.close()

    def interrupt(self) -> None:
        """Defer the mail that is being sent, and all further ones, because the process ends. Thread-safe."""
        self._limits.interrupt()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        # Created on first use: loading the system's certificates takes longer than sending a mail.
        return ssl.create_default_context()

    def _connect(self) -> smtplib.SMTP:
        try:
            self._session = self._open()
        except smtplib.SMTPResponseException as error:
            raise ServerUnavailable(f"{error.smtp_code} {_text(error.smtp_error)}") from error
        except (smtplib.SMTPException, OSError) as error:
            raise ServerUnavailable(_text(f"{type(error).__name__}: {error}")) from error
        return self._session

    def _open(self) -> smtplib.SMTP:
        session = (
            LimitedTlsSession(self._limits, self._host, self._port, context=self._tls)
            if self._implicit_tls
            else LimitedSession(self._limits, self._host, self._port)
        )
        try:
            session.ehlo_or_helo_if_needed()
            encrypted = self._implicit_tls
            if not encrypted and session.has_extn("starttls"):
                session.starttls(context=self._tls)
                encrypted = True
            if self._user:
                if not encrypted:
                    raise smtplib.SMTPException("the server offers no TLS, so the password was not sent")
                session.login(self._user, self._password)
        except BaseException:
            session.close()
            raise
        return session


def _delivery_error(error: Exception) -> DeliveryRejected | DeliveryDeferred:
    match error:
        case smtplib.SMTPRecipientsRefused():
            return _replied(*next(iter(error.recipients.values())))
        case smtplib.SMTPSenderRefused():  # A quota or a policy against this client, not a fault of the mail.
            return ServerUnavailable(f"{error.smtp_code} {_text(error.smtp_error)}")
        case smtplib.SMTPResponseException():
            return _replied(error.smtp_code, error.smtp_error)
        case smtplib.SMTPNotSupportedError():
            return DeliveryRejected(_text(str(error)))
    return DeliveryDeferred(_text(f"{type(error).__name__}: {error}"))


def _replied(code: int, reply: bytes | str) -> DeliveryRejected | DeliveryDeferred:
    reason = f"{code} {_text(reply)}"
    return DeliveryRejected(reason) if 500 <= code < 600 else DeliveryDeferred(reason)


def _text(reply: bytes | str) -> str:
    # The database cannot store every character that a server may send, such as NUL.
    return one_line(reply.decode(errors="replace") if isinstance(reply, bytes) else reply)[:LONGEST_REASON]
