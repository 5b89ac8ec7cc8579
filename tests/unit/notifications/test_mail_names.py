"""Names of any characters in mails."""

from dataclasses import replace

import msgspec
import pytest

from monolith.modules.notifications.mail import compose
from tests.integration.events.sample_events import Story
from tests.unit.notifications.test_mail import NAMES, SENDER, START, Person, letter, parsed


@pytest.mark.parametrize("name", ["=?utf-8?q?a=0D=0Ab?=", "Ada =?utf-8?b?DQo=?= Barber"])
def test_name_that_looks_encoded_arrives_as_it_was_entered(name: str) -> None:
    """Programs that decode encoded words in quoted strings, like Python's library, would find a line end in it."""
    event = msgspec.structs.replace(Story(starts_at=START).booked(), business_name=name)
    notification = replace(letter("confirmation", Story(starts_at=START)), events=[event])
    content = compose(notification, Person(name=name), SENDER).content
    assert name.encode() not in content.partition(b"\r\n\r\n")[0]
    mail = parsed(content)
    assert mail["To"].addresses[0].display_name == mail["From"].addresses[0].display_name == name


def test_content_is_seven_bit_safe() -> None:
    for name in NAMES:
        content = compose(letter("confirmation", Story(starts_at=START)), Person(name=name), SENDER).content
        assert content.isascii()
        assert max(map(len, content.split(b"\r\n"))) <= 78
        assert b"\n" not in content.replace(b"\r\n", b"")
