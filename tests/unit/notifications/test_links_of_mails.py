"""The links of appointments in mails: who signs them, and what they name."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from monolith.modules.notifications.mail import compose
from monolith.shared.customer_links import CustomerLinks, LinkSubject, normal_reference, reference_of
from tests.integration.events.sample_events import Story
from tests.unit.notifications.test_mail import SENDER, START, Person, letter, mail_about, read, text


def test_mail_links_to_the_page_of_its_appointment() -> None:
    story = Story(starts_at=START)
    link = SENDER.customer_url(story.booked())
    assert link.startswith("https://book.example/manage?token=")
    mail = mail_about("reminder", story)
    assert f"View, move or cancel it: {link}" in " ".join(text(mail).split())
    assert f'<a href="{link}">{link}</a>' in text(mail, "html")
    assert f"View it: {link}" in text(mail_about("cancellation", story))


def test_mail_to_a_customer_names_the_place() -> None:
    about = letter("reminder", Story(starts_at=START))
    assert "Where: Studio Ümlaut" in text(read(compose(about, Person(), SENDER))).splitlines()
    elsewhere = replace(about, place="1 Quay Street")
    assert "Where: Studio Ümlaut, 1 Quay Street" in text(read(compose(elsewhere, Person(), SENDER))).splitlines()


def test_a_token_names_what_it_was_made_for() -> None:
    links, subject = CustomerLinks("secret"), LinkSubject(uuid4(), uuid4(), uuid4())
    token = links.appointment_token(*subject)
    assert links.appointment(token) == subject
    assert links.waiting(token) is None, "it is for another purpose"
    assert links.waiting(links.waiting_token(*subject)) == subject
    assert CustomerLinks("another secret").appointment(token) is None


@pytest.mark.parametrize("token", ["", ".", "x", "é", "a.b", "\ud800", "A" * 5000])
def test_any_other_text_names_nothing(token: str) -> None:
    assert CustomerLinks("secret").appointment(token) is None


def test_a_reference_is_found_however_it_is_typed() -> None:
    reference = reference_of(UUID(int=0x1234567890ABCDEF))
    assert reference == "F28A-QKFF"
    assert {normal_reference(each) for each in ("f28aqkff", " F28A QKFF ", "f28a-qkff")} == {reference}
    assert normal_reference("OIL0-0000") == "0110-0000"
