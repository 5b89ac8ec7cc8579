"""Reminders: one per appointment, a day before its current start."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from contracts.scheduling.events import encode_event
from monolith.modules.notifications.model import Preferences
from tests.integration.events.sample_events import BUSINESS, Story
from tests.integration.notifications.conftest import Mailbox, Office


def reminders(office: Office) -> list[tuple[int, str]]:
    return office.administer("SELECT version, state FROM notifications.reminder ORDER BY version")


def a_day_before(office: Office) -> None:
    """Make every reminder due."""
    office.administer("UPDATE notifications.reminder SET due_at = now()")


def reminded(office: Office, mailbox: Mailbox) -> list[str]:
    while office.reminders.step():
        pass
    office.send_all()
    return [subject for subject in mailbox.subjects() if subject.startswith("Reminder")]


def test_reminder_is_sent_a_day_before(office: Office, mailbox: Mailbox) -> None:
    story = Story(customer_id=office.customer())
    office.hear(story.booked())
    ((due_at,),) = office.administer("SELECT due_at FROM notifications.reminder")
    assert due_at == story.appointment.starts_at - timedelta(hours=24)
    assert reminded(office, mailbox) == []
    a_day_before(office)
    assert len(reminded(office, mailbox)) == 1
    assert len(reminded(office, mailbox)) == 1, "once"


def test_appointment_within_a_day_gets_no_reminder(office: Office) -> None:
    office.hear(Story(starts_at=datetime.now(UTC) + timedelta(hours=23)).booked())
    assert reminders(office) == []


def test_reschedule_moves_the_reminder(office: Office, mailbox: Mailbox) -> None:
    story = Story(customer_id=office.customer(), starts_at=datetime.now(UTC) + timedelta(days=3))
    office.hear(story.booked(), story.rescheduled(by=timedelta(days=2)))
    assert reminders(office) == [(1, "void"), (2, "waiting")]
    a_day_before(office)
    (subject,) = reminded(office, mailbox)
    shown = story.appointment.starts_at.astimezone(ZoneInfo(story.appointment.zone))
    assert f"{shown.day} {shown:%B}" in subject


def test_reschedule_to_within_a_day_voids_the_reminder(office: Office) -> None:
    story = Story(starts_at=datetime.now(UTC) + timedelta(days=3))
    office.hear(story.booked(), story.rescheduled(by=timedelta(days=-2, hours=-12)))
    assert reminders(office) == [(1, "void")]


def test_cancelled_appointment_sends_no_reminder(office: Office, mailbox: Mailbox) -> None:
    story = Story(customer_id=office.customer())
    office.hear(story.booked(), story.cancelled())
    assert reminders(office) == [(1, "void")]
    a_day_before(office)
    assert reminded(office, mailbox) == []


def test_reminder_follows_preferences(office: Office, mailbox: Mailbox) -> None:
    """Even if the preference changes after the booking."""
    story = Story(customer_id=office.customer())
    office.hear(story.booked())
    office.module.api.set_preferences(BUSINESS, story.appointment.customer_id, Preferences(reminder=False))
    a_day_before(office)
    assert reminded(office, mailbox) == []


def test_past_appointment_sends_no_reminder(office: Office, mailbox: Mailbox) -> None:
    """For example after the worker was stopped for days."""
    story = Story(customer_id=office.customer(), starts_at=datetime.now(UTC) + timedelta(days=3))
    office.hear(story.booked())
    assert reminders(office) == [(1, "waiting")]
    past = story.with_appointment(starts_at=datetime.now(UTC) - timedelta(hours=1)).booked()
    with office.database.transaction(BUSINESS) as connection:
        connection.exec_driver_sql("UPDATE notifications.reminder SET event = %s", (encode_event(past),))
    a_day_before(office)
    assert reminded(office, mailbox) == []
    assert reminders(office) == [(1, "done")]


def test_only_booked_appointments_get_reminders(office: Office) -> None:
    held, asked = Story(), Story()
    office.hear(held.held(), asked.requested(), asked.rescheduled())
    assert reminders(office) == []
    office.hear(asked.booked())
    assert reminders(office) == [(3, "waiting")]


@pytest.mark.parametrize("end", ["declined", "completed", "missed"])
def test_ended_appointment_sends_no_reminder(office: Office, end: str) -> None:
    story = Story()
    office.hear(story.booked())
    office.hear(story.missed(50) if end == "missed" else getattr(story, end)())
    assert reminders(office) == [(1, "void")]
