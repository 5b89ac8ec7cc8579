"""Composition of a mail: plain text, HTML and, for agreed appointments, a calendar invitation.

The message is assembled from parts: the standard library's `EmailMessage` takes fifty times as long. The tests compare
the result with the library's, header by header and part by part.
"""

import base64
import binascii
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address
from email.utils import format_datetime, quote
from functools import lru_cache
from textwrap import wrap
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from contracts.scheduling.events import AnyEvent
from monolith.modules.notifications.invitation import invitation, method
from monolith.modules.notifications.mail_address import mail_address
from monolith.modules.notifications.mail_text import LetterText, MailText, mail_text, one_line
from monolith.modules.notifications.model import FOR_THE_BUSINESS, Kind, Recipient
from monolith.shared.customer_links import CustomerLinks, manage_url
from monolith.shared.localization import SOURCE, Language

LONGEST_HEADER: Final = 76
"""Characters of a header line, its name included. Longer values are folded as encoded words (RFC 2047)."""


class InvalidAddress(Exception):
    """No mail can be sent to this address; a retry will not help."""


@dataclass(frozen=True, slots=True)
class SenderIdentity:
    """The sender of all mail: an address at the host of the product's `public_url`.

    Mails to customers need `links`, which sign the link of the appointment.
    """

    public_url: str
    links: CustomerLinks | None = None

    @property
    def domain(self) -> str:
        return _domain(self.public_url)

    @property
    def address(self) -> str:
        return f"no-reply@{self.domain}"

    def customer_url(self, event: AnyEvent) -> str:
        """Return the page on which the customer of the event manages the appointment."""
        assert self.links is not None
        about = event.appointment
        token = self.links.appointment_token(event.business_id, about.customer_id, about.appointment_id)
        return manage_url(self.public_url, token)

    def office_url(self, business_id: UUID, appointment_id: UUID) -> str:
        """Return the page of an appointment in the back office."""
        return f"{self.public_url.rstrip('/')}/office/appointments/{business_id}/{appointment_id}"


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification to be sent, and when it was created. Several events are those of one series."""

    message_id: UUID
    kind: Kind
    events: Sequence[AnyEvent]
    created_at: datetime
    customer: str | None = None
    """The customer's name, in a mail to the business."""

    place: str = ""
    """The street address of the business."""

    language: Language = SOURCE


@dataclass(frozen=True, slots=True)
class ComposedMail:
    """A message for SMTP: envelope addresses, and the content with CRLF line ends, in 7-bit characters."""

    sender: str
    recipient: str
    content: bytes


_ADDRESS = re.compile(r"https?://[^\s<]+")
_WITH_INVITATION: frozenset[Kind] = frozenset({"confirmation", "change", "cancellation", "reminder"})
"""Requests and offers are not calendar entries yet; a missed appointment stays one."""


def compose(notification: Notification, recipient: Recipient, sender: SenderIdentity) -> ComposedMail:
    """Compose the mail. Deterministic, including the Message-ID. Raises InvalidAddress."""
    events = notification.events
    first = events[0].appointment
    if notification.kind in FOR_THE_BUSINESS:
        url = sender.office_url(events[0].business_id, first.appointment_id)
    else:
        url = sender.customer_url(events[0])
    address = mail_address(recipient.email)
    place = ", ".join(filter(None, (events[0].business_name, notification.place)))
    language = notification.language
    text = mail_text(notification.kind, events, recipient.name, url, notification.customer, place, language)
    head = _head(
        notification.message_id,
        notification.created_at,
        _mailbox("From", one_line(events[0].business_name), sender.address),
        _mailbox("To", one_line(recipient.name), address),
        text.subject,
        sender,
    )
    boundary = _boundary(notification.message_id)
    body = _alternatives(boundary, plain_text(text), html_text(text))
    if notification.kind in _WITH_INVITATION:
        entry = invitation(events, organizer=sender.address, attendee=address, language=language)
        body = _multipart("mixed", f"{boundary}_m", [body, _calendar_part(entry, method(events))])
    return ComposedMail(sender.address, address, "\r\n".join([*head, body]).encode("ascii"))


def compose_letter(
    message_id: UUID, created_at: datetime, text: LetterText, recipient: str, sender: SenderIdentity
) -> ComposedMail:
    """Compose the mail of another module. Deterministic, including the Message-ID. Raises InvalidAddress."""
    address = mail_address(recipient)
    head = _head(
        message_id,
        created_at,
        _mailbox("From", "", sender.address),
        _mailbox("To", one_line(text.name), address),
        one_line(text.subject),
        sender,
    )
    body = _alternatives(_boundary(message_id), plain_letter(text), html_letter(text))
    return ComposedMail(sender.address, address, "\r\n".join([*head, body]).encode("ascii"))


def calendar_file(events: Sequence[AnyEvent], public_url: str, language: Language = SOURCE) -> bytes:
    """Return the events as an iCalendar file to be downloaded, with the UIDs and the organizer of the mails."""
    return invitation(events, organizer=SenderIdentity(public_url).address, attendee=None, language=language)


def _head(
    message_id: UUID, created_at: datetime, from_: str, to: str, subject: str, sender: SenderIdentity
) -> list[str]:
    return [
        from_,
        to,
        _unstructured("Subject", subject),
        f"Message-ID: <{message_id}@{sender.domain}>",
        f"Date: {format_datetime(created_at)}",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
    ]


def _boundary(message_id: UUID) -> str:
    # Quoted-printable never has "=_", so no boundary occurs in a part.
    return f"=_{message_id.hex}"


def _alternatives(boundary: str, plain: str, html_page: str) -> str:
    return _multipart("alternative", f"{boundary}_a", [_text_part("plain", plain), _text_part("html", html_page)])


def _text_part(subtype: str, content: str) -> str:
    encoded = binascii.b2a_qp(content.encode(), istext=True).decode("ascii").replace("\n", "\r\n")
    return (
        f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n\r\n{encoded}"
    )


def _calendar_part(entry: bytes, entry_method: str) -> str:
    encoded = base64.encodebytes(entry).decode("ascii").replace("\n", "\r\n")
    return (
        f'Content-Type: text/calendar; charset="utf-8"; method="{entry_method}"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        'Content-Disposition: attachment; filename="appointment.ics"\r\n'
        f"MIME-Version: 1.0\r\n\r\n{encoded}"
    )


def _multipart(subtype: str, boundary: str, parts: Sequence[str]) -> str:
    inside = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n\r\n{inside}--{boundary}--\r\n'


def _unstructured(name: str, value: str) -> str:
    if _is_plain(value) and len(name) + 2 + len(value) <= LONGEST_HEADER:
        return f"{name}: {value}"
    return f"{name}: {_encoded(name, value)}"


@lru_cache(maxsize=4096)
def _mailbox(name: str, display_name: str, address: str) -> str:
    """A From or To header. Raises InvalidAddress."""
    _require_address(display_name, address)
    if not display_name:
        return f"{name}: {address}"
    if _is_plain(display_name) and max(map(len, display_name.split())) < LONGEST_HEADER // 2:
        return _folded(f'{name}: "{quote(display_name)}" <{address}>')
    return f"{name}: {_encoded(name, display_name)}\r\n <{address}>"


def _is_plain(value: str) -> bool:
    """Return whether the value can be written as it is.

    Some programs decode what looks like an encoded word, also in a quoted string, and could find a line end in it.
    """
    return value.isascii() and "=?" not in value


def _folded(header: str) -> str:
    """Fold an ASCII header at spaces (RFC 5322, section 2.2.3)."""
    return "\r\n ".join(wrap(header, LONGEST_HEADER, break_long_words=False, break_on_hyphens=False))


def _encoded(name: str, value: str) -> str:
    return Header(value, "utf-8", maxlinelen=LONGEST_HEADER, header_name=name).encode(linesep="\r\n")


def _require_address(display_name: str, address: str) -> None:
    if _ORDINARY_ADDRESS.fullmatch(address):
        return
    try:
        Address(display_name, addr_spec=address)
    except (ValueError, IndexError, MessageError) as error:
        raise InvalidAddress(f"not a valid e-mail address: {error}") from error
    if not address.isascii():
        raise InvalidAddress("not a valid e-mail address: it has characters beyond ASCII")


_ORDINARY_ADDRESS = re.compile(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


@lru_cache(maxsize=16)
def _domain(public_url: str) -> str:
    host = urlsplit(public_url).hostname or ""
    return host if any(letter.isalpha() for letter in host) and ":" not in host else "localhost"


def plain_text(text: MailText) -> str:
    """Return the plain-text part."""
    facts = "\n".join(f"{label}: {value}" for label, value in text.facts)
    return f"{text.greeting}\n\n{text.opening}\n\n{facts}\n\n{text.closing}\n"


def html_text(text: MailText) -> str:
    """Return the same as HTML, escaped."""
    rows = "".join(
        f"<tr><th align='left'>{html.escape(label)}</th><td>{html.escape(value)}</td></tr>"
        for label, value in text.facts
    )
    return (
        f"<!doctype html><html lang='{text.language}'><meta charset='utf-8'><body>"
        f"<p>{html.escape(text.greeting)}</p><p>{html.escape(text.opening)}</p>"
        f"<table cellpadding='4'>{rows}</table><p>{_with_links(text.closing)}</p></body></html>\n"
    )


def _with_links(text: str) -> str:
    """Escape a text, and make its addresses links."""
    return _ADDRESS.sub(r'<a href="\g<0>">\g<0></a>', html.escape(text))


def plain_letter(text: LetterText) -> str:
    """Return the plain-text part of a letter."""
    return "\n\n".join([text.greeting, *map(one_line, text.paragraphs)]) + "\n"


def html_letter(text: LetterText) -> str:
    """Return the same as HTML, escaped; links can be followed."""
    paragraphs = "".join(f"<p>{_linked(one_line(each))}</p>" for each in (text.greeting, *text.paragraphs))
    return f"<!doctype html><html lang='{text.language}'><meta charset='utf-8'><body>{paragraphs}</body></html>\n"


def _linked(paragraph: str) -> str:
    escaped = html.escape(paragraph)
    is_link = paragraph.startswith(("http://", "https://")) and " " not in paragraph
    return f'<a href="{escaped}">{escaped}</a>' if is_link else escaped
