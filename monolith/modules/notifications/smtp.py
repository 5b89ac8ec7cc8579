"""SMTP client, and the classification of its errors."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from functools import cached_property
from urllib.parse import unquote, urlsplit

TIMEOUT = 5.0


class DeliveryRejected(Exception):
    """The server rejected the mail permanently; the message is its reason."""


class DeliveryDeferred(Exception):
    """The server is unreachable or reported a temporary error."""


class MailServer:
    """A mail server at `smtp://[user:password@]host[:port]`, or `smtps://` for implicit TLS.

    STARTTLS is used if the server offers it; the password is sent over TLS only.
    """

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
            raise _delivery_error(*next(iter(error.recipients.values()))) from error
        except smtplib.SMTPResponseException as error:
            raise _delivery_error(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise DeliveryRejected(str(error)) from error
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryDeferred(f"{type(error).__name__}: {error}") from error

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        # Created on first use: loading the system's certificates takes longer than sending a mail.
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


def _delivery_error(code: int, reply: bytes | str) -> DeliveryRejected | DeliveryDeferred:
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    reason = f"{code} {' '.join(text.split())}"
    return DeliveryRejected(reason) if 500 <= code < 600 else DeliveryDeferred(reason)
