"""Bookings, moves and cancellations of a whole series are one mail each."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from icalendar import Calendar

from monolith.shared.database import new_id
from tests.integration.events.sample_events import Story
from tests.integration.notifications.conftest import Mailbox, Office
from tests.integration.notifications.test_mail_goes_out import states


def test_series_is_confirmed_by_one_mail(office: Office, mailbox: Mailbox) -> None:
    stories = series_of(office, 3)
    office.hear(*(story.booked() for story in stories))
    assert not office.sender.step(), "the other bookings of the series may still be on their way"
    office.time_passes()
    office.send_all()
    (mail,) = mailbox.mails
    assert mail["Subject"].endswith("and 2 more")
    (calendar,) = mail.iter_attachments()
    entries = Calendar.from_ical(calendar.get_content())
    assert entries["METHOD"] == "PUBLISH"
    assert len(entries.walk("VEVENT")) == 3
    assert states(office) == [("sent", 1, None)] * 3


@pytest.mark.parametrize(("change", "subject"), [("rescheduled", "Moved"), ("cancelled", "Cancelled")])
def test_series_is_moved_and_cancelled_by_one_mail(office: Office, mailbox: Mailbox, change: str, subject: str) -> None:
    stories = series_of(office, 3)
    office.hear(*(getattr(story, change)() for story in stories))
    assert not office.sender.step(), "the other changes of the series may still be on their way"
    office.time_passes()
    office.send_all()
    (mail,) = mailbox.mails
    assert mail["Subject"].startswith(f"{subject}: ")
    assert mail["Subject"].endswith("and 2 more")
    assert f"3 of your appointments at {stories[0].business_name} have been" in body_of(mail)
    assert "Previously" not in body_of(mail), "that of the first would be read as that of all"
    (calendar,) = mail.iter_attachments()
    assert len(Calendar.from_ical(calendar.get_content()).walk("VEVENT")) == 3
    assert states(office) == [("sent", 1, None)] * 3


def test_series_moved_twice_at_once_is_one_mail_with_the_last_times(office: Office, mailbox: Mailbox) -> None:
    stories = series_of(office, 2)
    office.hear(*(story.rescheduled() for story in stories), *(story.rescheduled() for story in stories))
    office.time_passes()
    office.send_all()
    (mail,) = mailbox.mails
    assert body_of(mail).count("When: ") == 2
    assert "Wednesday 7 March 2035" in body_of(mail)
    assert "Tuesday 6 March 2035" not in body_of(mail)
    assert states(office) == [("sent", 1, None)] * 4


def test_occurrence_cancelled_at_once_is_reported_after_the_confirmation(office: Office, mailbox: Mailbox) -> None:
    stories = series_of(office, 2)
    office.hear(*(story.booked() for story in stories), stories[0].cancelled("ill"))
    office.time_passes()
    office.send_all()
    assert [subject.partition(":")[0] for subject in mailbox.subjects()] == ["Booked", "Cancelled"]


def test_late_occurrence_does_not_repeat_mails_that_another_sender_claimed(office: Office, mailbox: Mailbox) -> None:
    first, second = series_of(office, 2)
    office.hear(first.booked())
    office.administer("UPDATE notifications.message SET next_attempt_at = now() + interval '2 minutes'")
    office.hear(second.booked())
    due = "next_attempt_at < now() + interval '1 minute'"
    office.administer(f"UPDATE notifications.message SET next_attempt_at = now() WHERE {due}")
    office.send_all()
    assert len(mailbox.mails) == 1
    assert sorted(state for state, *_ in states(office)) == ["pending", "sent"]


def body_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def series_of(office: Office, occurrences: int) -> list[Story]:
    series_id, customer = new_id(), office.customer()
    starts = [datetime(2035, 3, 5, 9, tzinfo=UTC) + timedelta(weeks=number) for number in range(occurrences)]
    return [Story(starts_at=start, customer_id=customer).with_appointment(series_id=series_id) for start in starts]
