"""Composition of a mail: plain text, HTML and, for agreed appointments, a calendar invitation."""

import html
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import urlsplit
from uuid import UUID

from contracts.scheduling.events import AnyEvent
from monolith.modules.notifications.invitation import invitation, method
from monolith.modules.notifications.mail_text import MailText, mail_text, one_line
from monolith.modules.notifications.model import Kind, Recipient


class InvalidAddress(Exception):
    """No mail can be sent to this address; a retry will not help."""


@dataclass(frozen=True, slots=True)
class SenderIdentity:
    """The sender of all mail: an address at the host of the product's `public_url`."""

    public_url: str

    @property
    def domain(self) -> str:
        host = urlsplit(self.public_url).hostname or ""
        return host if any(letter.isalpha() for letter in host) and ":" not in host else "localhost"

    @property
    def address(self) -> str:
        return f"no-reply@{self.domain}"


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification to be sent, and when it was created."""

    message_id: UUID
    kind: Kind
    event: AnyEvent
    created_at: datetime


_WITH_INVITATION: frozenset[Kind] = frozenset({"confirmation", "change", "cancellation", "reminder"})
"""Requests and offers are not calendar entries yet; a missed appointment stays one."""


def compose(notification: Notification, recipient: Recipient, sender: SenderIdentity) -> EmailMessage:
    """Compose the mail. Deterministic, including the Message-ID. Raises InvalidAddress."""
    event = notification.event
    text = mail_text(notification.kind, event, recipient.name, sender.public_url)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(one_line(event.business_name), addr_spec=sender.address)
    mail["To"] = _address(recipient)
    mail["Subject"] = text.subject
    mail["Message-ID"] = f"<{notification.message_id}@{sender.domain}>"
    mail["Date"] = notification.created_at
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_plain(text), cte="quoted-printable")
    mail.add_alternative(_html(text), subtype="html")
    if notification.kind in _WITH_INVITATION:
        mail.add_attachment(
            invitation(event, organizer=sender.address, attendee=recipient.email).decode(),
            subtype="calendar",
            filename="appointment.ics",
            params={"method": method(event)},
        )
    return mail


def _address(recipient: Recipient) -> Address:
    try:
        return Address(one_line(recipient.name), addr_spec=recipient.email)
    except (ValueError, IndexError, MessageError) as error:
        raise InvalidAddress(f"not a valid e-mail address: {error}") from error


def _plain(text: MailText) -> str:
    facts = "\n".join(f"{label}: {value}" for label, value in text.facts)
    return f"{text.greeting}\n\n{text.opening}\n\n{facts}\n\n{text.closing}\n"


def _html(text: MailText) -> str:
    rows = "".join(
        f"<tr><th align='left'>{html.escape(label)}</th><td>{html.escape(value)}</td></tr>"
        for label, value in text.facts
    )
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><body>"
        f"<p>{html.escape(text.greeting)}</p><p>{html.escape(text.opening)}</p>"
        f"<table cellpadding='4'>{rows}</table><p>{html.escape(text.closing)}</p></body></html>\n"
    )
