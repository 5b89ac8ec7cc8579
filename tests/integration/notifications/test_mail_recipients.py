"""A mail, with the link of its appointment, goes to the customer of the appointment only."""

from tests.integration.events.sample_events import Story
from tests.integration.notifications.conftest import Mailbox, Office


def test_row_that_names_another_recipient_is_not_sent(office: Office, mailbox: Mailbox) -> None:
    """The role that stores mails cannot have one sent to a customer whom it chooses."""
    story, other = Story(customer_id=office.customer()), office.customer(email="mallory@example.org")
    office.hear(story.booked(), story.rescheduled())
    office.administer(f"UPDATE notifications.message SET user_id = '{other}' WHERE kind = 'change' RETURNING 1")
    office.send_all()
    assert [str(mail["To"]) for mail in mailbox.mails] == ["Zoë <zoe@example.org>"]
    states = office.administer("SELECT kind, state, problem FROM notifications.message ORDER BY kind")
    refused = ("change", "failed", "the appointment is that of another customer")
    assert [tuple(row) for row in states] == [refused, ("confirmation", "sent", None)]
