"""A day before, once, at the time that then holds."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.scheduling.events import encode_event
from monolith.modules.notifications.model import Preferences
from tests.integration.events.story import BUSINESS, Story
from tests.integration.notifications.conftest import Mailbox, Office


def reminders(office: Office) -> list[tuple[int, str]]:
    return office.administer("SELECT version, state FROM notifications.reminder ORDER BY version")


def a_day_before(office: Office) -> None:
    """The time of every reminder comes."""
    office.administer("UPDATE notifications.reminder SET due_at = now()")


def reminded(office: Office, mailbox: Mailbox) -> list[str]:
    while office.reminders.step():
        pass
    office.send_all()
    return [subject for subject in mailbox.subjects() if subject.startswith("Reminder")]


def test_a_reminder_comes_a_day_before(office: Office, mailbox: Mailbox) -> None:
    story = Story(customer_id=office.customer())
    office.hear(story.booked())
    ((due_at,),) = office.administer("SELECT due_at FROM notifications.reminder")
    assert due_at == story.appointment.starts_at - timedelta(hours=24)
    assert reminded(office, mailbox) == []
    a_day_before(office)
    assert len(reminded(office, mailbox)) == 1
    assert len(reminded(office, mailbox)) == 1, "once"


def test_what_begins_within_a_day_needs_none(office: Office) -> None:
    office.hear(Story(starts_at=datetime.now(UTC) + timedelta(hours=23)).booked())
    assert reminders(office) == []


def test_a_reschedule_takes_the_reminder_along(office: Office, mailbox: Mailbox) -> None:
    story = Story(customer_id=office.customer(), starts_at=datetime.now(UTC) + timedelta(days=3))
    office.hear(story.booked(), story.rescheduled(by=timedelta(days=2)))
    assert reminders(office) == [(1, "void"), (2, "waiting")]
    a_day_before(office)
    (subject,) = reminded(office, mailbox)
    assert f"{story.appointment.starts_at.day} {story.appointment.starts_at:%B}" in subject


def test_a_reschedule_to_tomorrow_voids_the_reminder(office: Office) -> None:
    story = Story(starts_at=datetime.now(UTC) + timedelta(days=3))
    office.hear(story.booked(), story.rescheduled(by=timedelta(days=-2, hours=-12)))
    assert reminders(office) == [(1, "void")]


def test_nobody_is_reminded_of_what_was_cancelled(office: Office, mailbox: Mailbox) -> None:
    story = Story(customer_id=office.customer())
    office.hear(story.booked(), story.cancelled())
    assert reminders(office) == [(1, "void")]
    a_day_before(office)
    assert reminded(office, mailbox) == []


def test_nobody_is_reminded_against_their_wish(office: Office, mailbox: Mailbox) -> None:
    """Also when they say so after they booked."""
    story = Story(customer_id=office.customer())
    office.hear(story.booked())
    office.module.api.set_preferences(BUSINESS, story.appointment.customer_id, Preferences(reminder=False))
    a_day_before(office)
    assert reminded(office, mailbox) == []


def test_nobody_is_reminded_of_what_is_past(office: Office, mailbox: Mailbox) -> None:
    """As when the worker was away for days."""
    story = Story(customer_id=office.customer(), starts_at=datetime.now(UTC) + timedelta(hours=24, seconds=0.6))
    office.hear(story.booked())
    assert reminders(office) == [(1, "waiting")]
    past = story.with_appointment(starts_at=datetime.now(UTC) - timedelta(hours=1)).booked()
    with office.database.transaction(BUSINESS) as connection:
        connection.exec_driver_sql("UPDATE notifications.reminder SET event = %s", (encode_event(past),))
    a_day_before(office)
    assert reminded(office, mailbox) == []
    assert reminders(office) == [(1, "done")]


def test_only_what_is_booked_is_worth_a_reminder(office: Office) -> None:
    held, asked = Story(), Story()
    office.hear(held.held(), asked.requested(), asked.rescheduled())
    assert reminders(office) == []
    office.hear(asked.booked())
    assert reminders(office) == [(3, "waiting")]


@pytest.mark.parametrize("end", ["declined", "completed", "missed"])
def test_nobody_is_reminded_of_what_has_ended(office: Office, end: str) -> None:
    story = Story()
    office.hear(story.booked())
    office.hear(story.missed(50) if end == "missed" else getattr(story, end)())
    assert reminders(office) == [(1, "void")]
