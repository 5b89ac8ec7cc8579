"""Mail servers that reply with what cannot be stored, or without end."""

from tests.integration.events.sample_events import Story
from tests.integration.notifications.conftest import Mailbox, Office

STATES = "SELECT state, attempts, problem FROM notifications.message ORDER BY message_id"


def test_reply_with_unprintable_characters_is_stored_without_them(office: Office, mailbox: Mailbox) -> None:
    mailbox.answers = ["450 4.2.0 try \x00\x1b[31m later", "550 no \x00 such mailbox", "450 " + "x" * 480]
    office.hear(*(Story(customer_id=office.customer()).booked() for _ in range(4)))
    office.send_all()
    assert office.administer(STATES) == [
        ("pending", 1, "450 4.2.0 try [31m later"),
        ("failed", 1, "550 no such mailbox"),
        ("pending", 1, "450 " + "x" * 480),
        ("sent", 1, None),
    ]


def test_mail_whose_outcome_cannot_be_stored_does_not_block_others(office: Office, mailbox: Mailbox) -> None:
    mailbox.answers = ["450 unstorable"]
    office.administer(
        "ALTER TABLE notifications.message ADD CONSTRAINT refused CHECK (problem IS DISTINCT FROM '450 unstorable')"
    )
    office.hear(*(Story(customer_id=office.customer()).booked() for _ in range(3)))
    office.send_all()
    assert office.administer(STATES) == [("pending", 1, None), ("sent", 1, None), ("sent", 1, None)]
