"""Handing a mail to a mail server, and what its answers mean."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from functools import cached_property
from urllib.parse import unquote, urlsplit

TIMEOUT = 5.0


class DeliveryRejected(Exception):
    """The server will not take this mail, now or later; the message is its reason."""


class DeliveryDeferred(Exception):
    """The server is away, or asks to come again."""


class MailServer:
    """`smtp://[user:password@]host[:port]`, or `smtps://` for TLS from the start. STARTTLS is used when offered; a
    password is sent over TLS only."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._implicit_tls = parts.scheme == "smtps"
        self._host = parts.hostname or "localhost"
        self._port = parts.port or (465 if self._implicit_tls else 25)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")

    def send(self, mail: EmailMessage) -> None:
        """Return once the server has accepted responsibility for the mail.

        Raises DeliveryRejected or DeliveryDeferred. After DeliveryDeferred the server may still have accepted the mail.
        """
        try:
            with self._session() as session:
                session.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            raise _meaning(*next(iter(error.recipients.values()))) from error
        except smtplib.SMTPResponseException as error:
            raise _meaning(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise DeliveryRejected(str(error)) from error
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryDeferred(f"{type(error).__name__}: {error}") from error

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        # Once, and only if it is needed: reading the system's certificates takes longer than all else about a mail.
        return ssl.create_default_context()

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        with (
            smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT, context=self._tls)
            if self._implicit_tls
            else smtplib.SMTP(self._host, self._port, timeout=TIMEOUT)
        ) as session:
            session.ehlo_or_helo_if_needed()
            encrypted = self._implicit_tls
            if not encrypted and session.has_extn("starttls"):
                session.starttls(context=self._tls)
                encrypted = True
            if self._user:
                if not encrypted:
                    raise smtplib.SMTPException("the server offers no TLS, so the password was not sent")
                session.login(self._user, self._password)
            yield session


def _meaning(code: int, answer: bytes | str) -> DeliveryRejected | DeliveryDeferred:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    said = f"{code} {' '.join(text.split())}"
    return DeliveryRejected(said) if 500 <= code < 600 else DeliveryDeferred(said)
