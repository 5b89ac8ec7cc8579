"""The text of mails and their calendar invitations."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest
from icalendar import Calendar

from contracts.scheduling.events import AnyEvent
from monolith.modules.notifications.mail import ComposedMail, InvalidAddress, Notification, SenderIdentity, compose
from monolith.modules.notifications.mail_text import one_line
from monolith.modules.notifications.model import Kind
from monolith.shared.customer_links import CustomerLinks
from monolith.shared.localization import LANGUAGES, Language
from tests.integration.events.sample_events import Story
from tests.unit.notifications.library_composer import library_mail

SENDER = SenderIdentity("https://book.example", CustomerLinks("a secret of the test"))
START = datetime(2030, 5, 6, 7, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Person:
    name: str = "Zoë Müller"
    email: str = "zoe@example.org"
    confirmed: bool = True
    language: Language | None = None


def read(mail: ComposedMail) -> EmailMessage:
    """Return the mail as received."""
    return parsed(mail.content)


def parsed(content: bytes) -> EmailMessage:
    read = message_from_bytes(content, policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


def letter(kind: Kind, story: Story) -> Notification:
    tellings: dict[str, Callable[[], AnyEvent]] = {
        "confirmation": story.booked,
        "reminder": story.booked,
        "change": story.rescheduled,
        "cancellation": lambda: story.cancelled("ill"),
        "request": story.requested,
        "decline": lambda: story.with_appointment(status="pending").declined("we are full"),
        "offer": lambda: story.held(UUID(int=8)),
        "no_show": lambda: story.missed(50),
    }
    event = tellings[kind.removeprefix("business_").replace("booking", "confirmation")]()
    return Notification(UUID(int=7), kind, [event], datetime(2030, 1, 1, tzinfo=UTC))


def mail_about(kind: Kind, story: Story | None = None, person: Person | None = None) -> EmailMessage:
    return read(compose(letter(kind, story or Story(starts_at=START)), person or Person(), SENDER))


def text(mail: EmailMessage, subtype: str = "plain") -> str:
    body = mail.get_body((subtype,))
    assert body is not None
    content: str = body.get_content()
    return content


def calendar(mail: EmailMessage) -> tuple[EmailMessage, Any]:
    (attachment,) = mail.iter_attachments()
    assert isinstance(attachment, EmailMessage)
    return attachment, Calendar.from_ical(attachment.get_content())


def test_confirmation_names_service_provider_and_local_time() -> None:
    mail = mail_about("confirmation")
    assert str(mail["To"]) == "Zoë Müller <zoe@example.org>"
    assert str(mail["From"]) == "Studio Ümlaut <no-reply@book.example>"
    assert mail["Subject"] == "Booked: Haircut, Monday 6 May 2030, 09:00 (Europe/Berlin)"
    assert mail["Message-ID"] == "<00000000-0000-0000-0000-000000000007@book.example>"
    for subtype in ("plain", "html"):
        said = text(mail, subtype)
        assert "Monday 6 May 2030, 09:00 to 09:30 (Europe/Berlin, UTC+02:00)" in said
        assert "Ada" in said
        assert "Zoë Müller" in said


def test_change_includes_the_previous_time() -> None:
    said = text(mail_about("change"))
    assert "When: Tuesday 7 May 2030, 09:00 to 09:30" in said
    assert "Previously: Monday 6 May 2030, 09:00 (Europe/Berlin)" in said


def test_cancellation_includes_the_reason() -> None:
    mail = mail_about("cancellation")
    assert mail["Subject"].startswith("Cancelled: Haircut")
    assert "Reason: ill" in text(mail)


def test_offer_explains_how_and_until_when_to_accept_it() -> None:
    story = Story(starts_at=START)
    mail = mail_about("offer", story)
    assert mail["Subject"] == "Available: Haircut, Monday 6 May 2030, 09:00 (Europe/Berlin)"
    for subtype in ("plain", "html"):
        said = " ".join(text(mail, subtype).split())
        assert "Monday 6 May 2030, 08:00 (Europe/Berlin)" in said
        assert "and confirm it in time" in said
    assert f"open {SENDER.customer_url(story.booked())} and" in " ".join(text(mail).split())
    assert "Held until: " in text(mail)


def test_request_and_decline_describe_the_status() -> None:
    assert "Studio Ümlaut has received your request." in text(mail_about("request"))
    declined = mail_about("decline")
    assert declined["Subject"].startswith("Request declined: Haircut, Monday 6 May 2030")
    assert "Reason: we are full" in text(declined)


def test_fee_is_included() -> None:
    assert "Fee: 50% of the price" in text(mail_about("no_show"))
    late = Story(starts_at=START).with_appointment(fee_percent=30)
    assert "Fee: 30% of the price" in text(mail_about("cancellation", late))
    assert "Fee" not in text(mail_about("change", late)), "what a cancellation would cost is another matter"


@pytest.mark.parametrize("kind", ["request", "decline", "offer", "no_show"])
def test_mail_without_an_agreement_has_no_invitation(kind: Kind) -> None:
    assert list(mail_about(kind).iter_attachments()) == []


def test_rescheduled_request_is_tentative() -> None:
    mail = mail_about("change", Story(starts_at=START).with_appointment(status="pending"))
    assert "It is still awaiting approval." in text(mail)
    _, parsed = calendar(mail)
    assert parsed.walk("VEVENT")[0]["STATUS"] == "TENTATIVE"


def test_seats_are_included_if_there_are_several() -> None:
    three = Story(starts_at=START).with_appointment(seats=3)
    assert "People: 3" in text(mail_about("confirmation", three))
    assert "Seats: 3" in text(mail_about("business_booking", three))
    assert "People" not in text(mail_about("confirmation"))


def test_appointment_over_midnight_names_both_days() -> None:
    story = Story(starts_at=datetime(2030, 5, 6, 21, 45, tzinfo=UTC))
    assert "Monday 6 May 2030, 23:45 to Tuesday 7 May 2030, 00:15" in text(mail_about("confirmation", story))


@pytest.mark.parametrize(
    ("kind", "method", "status", "sequence"),
    [
        ("confirmation", "REQUEST", "CONFIRMED", 0),
        ("reminder", "REQUEST", "CONFIRMED", 0),
        ("change", "REQUEST", "CONFIRMED", 1),
        ("cancellation", "CANCEL", "CANCELLED", 1),
    ],
)
def test_invitation_can_be_parsed(kind: Kind, method: str, status: str, sequence: int) -> None:
    story = Story(starts_at=START)
    attachment, parsed = calendar(mail_about(kind, story))
    assert attachment.get_content_type() == "text/calendar"
    assert attachment["Content-Type"].params["method"] == method
    assert attachment.get_filename() == "appointment.ics"
    assert parsed["METHOD"] == method
    (entry,) = parsed.walk("VEVENT")
    assert entry["UID"] == str(story.appointment.appointment_id)
    assert (entry["SEQUENCE"], entry["STATUS"]) == (sequence, status)
    assert entry["DTSTART"].dt == story.appointment.starts_at
    assert entry["DTEND"].dt == story.appointment.ends_at
    assert entry["ORGANIZER"] == "mailto:no-reply@book.example"
    assert entry["ATTENDEE"] == "mailto:zoe@example.org"


@pytest.mark.row("H33")
@pytest.mark.parametrize("name", ["Eve\r\nBcc: all@example.org", "Eve\nSubject: x", "Eve\u2028X: y", "E\x85v\x0be\x1c"])
def test_line_breaks_in_names_cannot_inject_headers(name: str) -> None:
    story = Story(starts_at=START)
    story.business_name = name
    story.with_appointment(offering_name=name, provider_name=name, note=name)
    mail = mail_about("confirmation", story, Person(name=name))
    assert set(mail.keys()) == {
        "From", "To", "Subject", "Message-ID", "Date", "Auto-Submitted", "MIME-Version", "Content-Type",
    }  # fmt: skip
    assert [address.addr_spec for address in mail["To"].addresses] == ["zoe@example.org"]
    _, parsed = calendar(mail)
    (entry,) = parsed.walk("VEVENT")
    assert "BCC" not in entry
    assert "\n" not in str(entry["SUMMARY"])


def test_markup_in_names_is_escaped() -> None:
    story = Story(starts_at=START).with_appointment(offering_name="<script>alert(1)</script>")
    html = text(mail_about("confirmation", story, Person(name="<b>Bob</b>")), "html")
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<b>Bob" not in html


@pytest.mark.parametrize("email", ["", "no address", "a@b\r\nBcc: c@d", "<a@b>", "a@b, c@d", "@"])
def test_invalid_address_is_rejected(email: str) -> None:
    with pytest.raises(InvalidAddress):
        mail_about("confirmation", person=Person(email=email))


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://book.example:8443/x", "book.example"),
        ("http://127.0.0.1:8000", "localhost"),
        ("http://[::1]:8000", "localhost"),
        ("http://localhost:8000", "localhost"),
    ],
)
def test_sender_address_is_at_the_host_of_the_product(url: str, domain: str) -> None:
    assert replace(SENDER, public_url=url).domain == domain


def test_one_line_keeps_letters_of_every_script() -> None:
    assert one_line("  Ærøskøbing\t漢字 \x00Здравствуйте\x7f\n ") == "Ærøskøbing 漢字 Здравствуйте"


NAMES = (
    "Ada",
    "Zoë Müller",
    'The "Old" Barber, Inc.',
    "Very Long Name of a Barber Shop with Many Words That Does Not Fit on One Header Line at All",
    "理髪店" * 12,
    "Ελλάδα; Кириллица, العربية \\ back",
)
ZONES = ("Europe/Berlin", "UTC", "Etc/UTC", "Asia/Kolkata", "America/St_Johns", "Etc/GMT+5", "Pacific/Chatham")


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_composer_matches_the_library(kind: Kind, zone: str, language: Language) -> None:
    for name in NAMES:
        story = Story(starts_at=START).with_appointment(zone=zone, offering_name=name, note=name)
        notification = letter(kind, story)
        event = msgspec.structs.replace(notification.events[0], business_name=name)
        notification = replace(notification, events=[event], language=language)
        ours = compose(notification, Person(name=name), SENDER).content
        library = library_mail(notification, Person(name=name), SENDER).as_bytes()
        assert headers(ours) == headers(library)
        assert parts(parsed(ours)) == parts(parsed(library))


def headers(content: bytes) -> dict[str, str]:
    """Every header but Content-Type, unfolded and decoded (RFC 2047)."""
    read = message_from_bytes(content, policy=policy.compat32)
    raw = {name: str(value).replace("\r", "").replace("\n", "") for name, value in read.items()}
    decoded = {name: str(make_header(decode_header(value))) for name, value in raw.items() if name != "Content-Type"}
    return {name: " ".join(value.replace('"', "").split()) for name, value in decoded.items()}


def parts(mail: EmailMessage) -> list[tuple[str, dict[str, str], str | None, str]]:
    """Type, parameters, file name and content of each part, in order."""
    found = []
    for part in mail.walk():
        if not part.is_multipart():
            assert isinstance(part, EmailMessage)
            content = part.get_content().replace("\r\n", "\n")
            parameters = dict(part["Content-Type"].params)
            found.append((part.get_content_type(), parameters, part.get_filename(), content))
    return found
