"""Composing one mail: text, the same as HTML, and the appointment for a calendar where it belongs in one."""

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
    """No mail can be written to this address; waiting does not change that."""


@dataclass(frozen=True, slots=True)
class SenderIdentity:
    """Who writes. `public_url` is the product's; the sender's address is at its host."""

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
    """What is to be told, and since when."""

    message_id: UUID
    kind: Kind
    event: AnyEvent
    written_at: datetime


_FOR_THE_CALENDAR: frozenset[Kind] = frozenset({"confirmation", "change", "cancellation", "reminder"})
"""What is only asked for or offered is no entry yet, and what was missed stays one."""


def compose(letter: Notification, to: Recipient, sender: SenderIdentity) -> EmailMessage:
    """The same arguments give the same mail, Message-ID included. Raises InvalidAddress."""
    event = letter.event
    words = mail_text(letter.kind, event, to.name, sender.public_url)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(one_line(event.business_name), addr_spec=sender.address)
    mail["To"] = _address(to)
    mail["Subject"] = words.subject
    mail["Message-ID"] = f"<{letter.message_id}@{sender.domain}>"
    mail["Date"] = letter.written_at
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_text(words), cte="quoted-printable")
    mail.add_alternative(_html(words), subtype="html")
    if letter.kind in _FOR_THE_CALENDAR:
        mail.add_attachment(
            invitation(event, organizer=sender.address, attendee=to.email).decode(),
            subtype="calendar",
            filename="appointment.ics",
            params={"method": method(event)},
        )
    return mail


def _address(to: Recipient) -> Address:
    try:
        return Address(one_line(to.name), addr_spec=to.email)
    except (ValueError, IndexError, MessageError) as error:
        raise InvalidAddress(f"not an address that mail can be sent to: {error}") from error


def _text(words: MailText) -> str:
    facts = "\n".join(f"{label}: {value}" for label, value in words.facts)
    return f"{words.greeting}\n\n{words.opening}\n\n{facts}\n\n{words.closing}\n"


def _html(words: MailText) -> str:
    rows = "".join(
        f"<tr><th align='left'>{html.escape(label)}</th><td>{html.escape(value)}</td></tr>"
        for label, value in words.facts
    )
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><body>"
        f"<p>{html.escape(words.greeting)}</p><p>{html.escape(words.opening)}</p>"
        f"<table cellpadding='4'>{rows}</table><p>{html.escape(words.closing)}</p></body></html>\n"
    )
