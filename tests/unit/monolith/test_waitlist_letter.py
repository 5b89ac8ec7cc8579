"""The mail that confirms a place on the waiting list, compared with the stored one."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec.structs import replace

from monolith.modules.auth.waitlist_letter import WaitingCustomer, waitlist_text
from monolith.modules.notifications.mail import SenderIdentity, compose_letter
from monolith.modules.notifications.mail_text import LetterText
from tests.unit.notifications.test_mail import parsed, text

GOLDEN = Path(__file__).with_name("waitlist_letter.txt")
URL = "https://book.example/waiting?token=TOKEN"
WAITING = WaitingCustomer(
    customer_id=UUID(int=1),
    entry_id=UUID(int=2),
    service="Massage",
    start=datetime(2030, 5, 5, 22, tzinfo=UTC),
    end=datetime(2030, 5, 12, 22, tzinfo=UTC),
    zone="Europe/Berlin",
)


def written(waiting: WaitingCustomer) -> str:
    """Return the subject and the text of the mail."""
    content = waitlist_text(waiting, "Studio Ümlaut", URL)
    letter = LetterText("Zoë Müller", content.subject, content.paragraphs)
    created, sender = datetime(2030, 1, 1, tzinfo=UTC), SenderIdentity("https://book.example")
    mail = parsed(compose_letter(waiting.entry_id, created, letter, "zoe@example.org", sender).content)
    assert f'<a href="{URL}">{URL}</a>' in text(mail, "html")
    return f"Subject: {mail['Subject']}\n\n{text(mail)}".replace("\r\n", "\n")


def test_mail_is_as_stored() -> None:
    assert written(WAITING) == GOLDEN.read_text()


def test_mail_is_the_same_after_it_was_queued() -> None:
    queued = msgspec.json.decode(msgspec.json.encode(WAITING.stored()))
    assert WaitingCustomer.read(queued) == WAITING


def test_a_single_day_is_named_once() -> None:
    one = replace(WAITING, end=datetime(2030, 5, 6, 22, tzinfo=UTC))
    assert "When: Monday 6 May 2030 (Europe/Berlin)\n" in written(one)
