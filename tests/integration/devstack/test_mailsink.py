"""The mail sink: received mails can be read, and their content is harmless."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from deploy.devstack.ports import free_port
from deploy.mailsink.pages import create_pages
from deploy.mailsink.smtp import start_smtp_server
from deploy.mailsink.store import MailStore

INVITATION = "BEGIN:VCALENDAR\nSUMMARY:<b>Cut</b>\nEND:VCALENDAR\n"


@pytest.fixture
def store(tmp_path: Path) -> MailStore:
    return MailStore(tmp_path / "mail")


@pytest.fixture
def smtp(store: MailStore) -> Iterator[smtplib.SMTP]:
    port = free_port()
    server = start_smtp_server(store, port)
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        yield client
    server.stop()


@pytest.fixture
def pages(store: MailStore) -> FlaskClient:
    return create_pages(store).test_client()


def test_mail_is_stored_unchanged_before_it_is_acknowledged(smtp: smtplib.SMTP, tmp_path: Path) -> None:
    smtp.send_message(confirmation())
    (kept,) = (tmp_path / "mail").iterdir()
    assert kept.name.startswith("000001-")
    assert b"Subject: Your appointment" in kept.read_bytes()


def test_mails_are_numbered_in_order_of_arrival(smtp: smtplib.SMTP, store: MailStore) -> None:
    for number in range(3):
        smtp.send_message(confirmation(subject=f"mail {number}"))
    assert [(mail.number, mail.subject) for mail in store.newest_first(2)] == [(3, "mail 2"), (2, "mail 1")]


def test_mail_page_shows_the_invitation(store: MailStore, pages: FlaskClient) -> None:
    store.add(confirmation().as_bytes())
    page = pages.get("/mails/1").text
    assert "Your appointment" in page
    assert "See you at ten" in page
    assert pages.get("/mails/1/invitation.ics").text.splitlines() == INVITATION.splitlines()


@pytest.mark.parametrize("path", ["/", "/mails/1"])
def test_mail_content_is_escaped(store: MailStore, pages: FlaskClient, path: str) -> None:
    store.add(confirmation(subject="<script>alert(1)</script>").as_bytes())
    answer = pages.get(path)
    assert "<script" not in answer.text
    assert "<b>" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_malformed_mail_is_shown(store: MailStore, pages: FlaskClient) -> None:
    store.add(b"\xff\xfe")
    store.add(b"Content-Type: text/plain; charset=nonsense\r\n\r\n\xff")
    store.add(b"Content-Type: multipart/mixed\r\n\r\nno parts")
    assert [pages.get(f"/mails/{number}").status_code for number in (1, 2, 3)] == [200, 200, 200]
    assert pages.get("/").status_code == 200


def test_mail_with_an_unreadable_header_is_shown_as_such(store: MailStore, pages: FlaskClient) -> None:
    store.add(b'To: "=?utf-8?q?a=0D=0Ab?=" <a@example.org>\r\nSubject: Booked\r\n\r\nAt ten.\r\n')
    store.add(confirmation().as_bytes())
    listed = pages.get("/")
    assert listed.status_code == 200
    assert "(cannot be parsed)" in listed.text
    assert "Your appointment" in listed.text
    assert "At ten." in pages.get("/mails/1").text


def test_pages_are_read_only(store: MailStore, pages: FlaskClient) -> None:
    store.add(confirmation().as_bytes())
    assert pages.post("/mails/1").status_code == 405
    assert pages.delete("/mails/1").status_code == 405
    missing = pages.get("/mails/2")
    assert (missing.status_code, "All mails" in missing.text) == (404, True)
    assert pages.get("/", headers={"Host": "evil.example"}).status_code == 400


def confirmation(subject: str = "Your appointment") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "salon@example.org", "ana@example.org", subject
    message.set_content("See you at ten")
    message.add_attachment(INVITATION, subtype="calendar", filename="invitation.ics")
    return message
