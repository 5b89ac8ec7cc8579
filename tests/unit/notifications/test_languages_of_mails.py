"""Mails in German."""

from dataclasses import replace
from typing import get_args

import pytest

from contracts.scheduling.events import AnyEvent
from monolith.modules.notifications.mail import Notification, compose, compose_letter
from monolith.modules.notifications.mail_text import LetterText
from monolith.modules.notifications.model import Kind
from tests.integration.events.sample_events import Story
from tests.unit.notifications.test_mail import SENDER, START, Person, calendar, letter, parsed, read, text

SUBJECTS: dict[Kind, str] = {
    "confirmation": "Gebucht: Haircut, Montag, 6. Mai 2030, 09:00 Uhr (Europe/Berlin)",
    "change": "Verschoben: Haircut, jetzt Dienstag, 7. Mai 2030, 09:00 Uhr (Europe/Berlin)",
    "cancellation": "Abgesagt: Haircut, Montag, 6. Mai 2030, 09:00 Uhr (Europe/Berlin)",
    "reminder": "Erinnerung: Haircut, Montag, 6. Mai 2030, 09:00 Uhr (Europe/Berlin)",
    "request": "Anfrage erhalten: Haircut, Montag, 6. Mai 2030, 09:00 Uhr (Europe/Berlin)",
    "decline": "Anfrage abgelehnt: Haircut, Montag, 6. Mai 2030, 09:00 Uhr (Europe/Berlin)",
    "offer": "Frei geworden: Haircut, Montag, 6. Mai 2030, 09:00 Uhr (Europe/Berlin)",
    "no_show": "Versäumter Termin: Haircut, Montag, 6. Mai 2030, 09:00 Uhr (Europe/Berlin)",
    "business_booking": "Neue Buchung: Haircut, Montag, 6. Mai 2030, 09:00 Uhr (Europe/Berlin)",
    "business_request": "Wartet auf Bestätigung: Haircut, Montag, 6. Mai 2030, 09:00 Uhr (Europe/Berlin)",
    "business_change": "Verschoben: Haircut, jetzt Dienstag, 7. Mai 2030, 09:00 Uhr (Europe/Berlin)",
    "business_cancellation": "Abgesagt: Haircut, Montag, 6. Mai 2030, 09:00 Uhr (Europe/Berlin)",
}


def in_german(kind: Kind) -> Notification:
    return replace(letter(kind, Story(starts_at=START)), language="de")


@pytest.mark.parametrize("kind", get_args(Kind))
def test_subject(kind: Kind) -> None:
    assert read(compose(in_german(kind), Person(), SENDER))["Subject"] == SUBJECTS[kind]


def test_text_and_calendar_entry() -> None:
    mail = read(compose(in_german("confirmation"), Person(), SENDER))
    assert "<html lang='de'>" in text(mail, "html")
    lines = text(mail).splitlines()
    assert lines[0] == "Guten Tag Zoë Müller,"
    assert "Ihr Termin bei Studio Ümlaut ist gebucht." in lines
    assert "Wann: Montag, 6. Mai 2030, 09:00 bis 09:30 Uhr (Europe/Berlin, UTC+02:00)" in lines
    assert "Bei: Ada" in lines
    assert any(each.startswith("Ansehen, verschieben oder absagen: https://book.example/manage") for each in lines)
    _, entry = calendar(mail)
    assert entry.walk("VEVENT")[0]["SUMMARY"] == "Haircut bei Ada"


def test_fee_and_reason() -> None:
    missed = text(read(compose(in_german("no_show"), Person(), SENDER)))
    assert "Gebühr: 50 % des Preises" in missed.replace("\N{NO-BREAK SPACE}", " ")
    declined = text(read(compose(in_german("decline"), Person(), SENDER)))
    assert "Grund: we are full" in declined


def test_series_is_one_mail() -> None:
    story = Story(starts_at=START)
    events: list[AnyEvent] = [story.booked(), Story(starts_at=START).booked()]
    mail = read(compose(replace(in_german("confirmation"), events=events), Person(), SENDER))
    assert str(mail["Subject"]).endswith(" und 1 weitere")
    assert "Ihre 2 Termine bei Studio Ümlaut sind gebucht." in text(mail)


def test_letter_of_another_module() -> None:
    written = LetterText("Zoë", "Neues Passwort festlegen", ("Ein Absatz.",), "de")
    given = in_german("confirmation")
    content = compose_letter(given.message_id, given.created_at, written, "zoe@example.org", SENDER).content
    assert "Guten Tag Zoë," in text(parsed(content))
    assert "<html lang='de'>" in text(parsed(content), "html")
