"""Every address that the forms accept can receive mail."""

import re
import smtplib
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from icalendar import Calendar

from monolith.modules.auth.models import Email
from monolith.modules.notifications.mail import compose
from tests.integration.events.sample_events import Story
from tests.unit.notifications.test_mail import SENDER, START, Person, letter, read

ACCEPTED = re.compile(next(each.pattern for each in get_args(Email) if getattr(each, "pattern", None)))


@given(st.from_regex(ACCEPTED, fullmatch=True).filter(lambda address: len(address) <= 254))
@example("a..b@docomo.example")
@example(".a@x.example")
@example("a.@x.example")
@example("...@x.example")
@example("a?cc=b&c=%n@x.example")
def test_mail_reaches_every_address_that_a_form_accepts(address: str) -> None:
    mail = compose(letter("confirmation", Story(starts_at=START)), Person(email=address), SENDER)
    assert mail.recipient.replace('"', "") == address
    assert smtplib.quoteaddr(mail.recipient) == f"<{mail.recipient}>", "the library sends it unchanged"
    assert [each.addr_spec.replace('"', "") for each in read(mail)["To"].addresses] == [address]
    assert not read(mail)["To"].defects


@pytest.mark.parametrize(
    ("address", "recipient", "attendee"),
    [
        ("a..b@docomo.example", '"a..b"@docomo.example', "mailto:%22a..b%22@docomo.example"),
        ("zoe+1@x.example", "zoe+1@x.example", "mailto:zoe+1@x.example"),
        ("a?cc=b@x.example", "a?cc=b@x.example", "mailto:a%3Fcc%3Db@x.example"),
    ],
)
def test_address_is_quoted_where_its_form_requires_it(address: str, recipient: str, attendee: str) -> None:
    mail = compose(letter("confirmation", Story(starts_at=START)), Person(email=address), SENDER)
    assert mail.recipient == recipient
    assert f"<{recipient}>".encode() in mail.content
    invitation: Any
    (invitation,) = read(mail).iter_attachments()
    (entry,) = Calendar.from_ical(invitation.get_content()).walk("VEVENT")
    assert entry["ATTENDEE"] == attendee
