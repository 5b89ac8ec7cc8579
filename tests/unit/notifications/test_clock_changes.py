"""Times of mails and invitations around a clock change, and far from it."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.events.sample_events import Story
from tests.unit.notifications.test_mail import START, calendar, mail_about, text

REPEATED_HOUR = (
    (datetime(2027, 10, 31, 1, 30, tzinfo=UTC), "02:30 to 03:00 (Europe/Berlin, UTC+01:00)"),
    (datetime(2027, 10, 31, 0, 30, tzinfo=UTC), "02:30 (UTC+02:00) to 02:00 (UTC+01:00), Europe/Berlin"),
    (datetime(2027, 3, 28, 0, 45, tzinfo=UTC), "01:45 (UTC+01:00) to 03:15 (UTC+02:00), Europe/Berlin"),
)


@pytest.mark.parametrize(("start", "shown"), REPEATED_HOUR)
def test_times_at_a_clock_change_are_unambiguous(start: datetime, shown: str) -> None:
    mail = mail_about("confirmation", Story(starts_at=start))
    assert shown in " ".join(text(mail).split())
    _, parsed = calendar(mail)
    (entry,) = parsed.walk("VEVENT")
    assert entry["DTSTART"].to_ical() == start.strftime("%Y%m%dT%H%M%SZ").encode()
    assert entry["DTEND"].to_ical() == (start + timedelta(minutes=30)).strftime("%Y%m%dT%H%M%SZ").encode()


@pytest.mark.parametrize("days", [0, 180, 365 * 40], ids=["summer", "winter", "far ahead"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Africa/Casablanca", "UTC"])
def test_invitation_depends_on_no_time_zone_rules(zone: str, days: int) -> None:
    start = START + timedelta(days=days)
    _, parsed = calendar(mail_about("confirmation", Story(starts_at=start).with_appointment(zone=zone)))
    (entry,) = parsed.walk("VEVENT")
    assert entry["DTSTART"].to_ical() == start.strftime("%Y%m%dT%H%M%SZ").encode()
    assert not parsed.walk("VTIMEZONE")
