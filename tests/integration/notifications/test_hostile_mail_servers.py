"""Mail servers that reply with what cannot be stored, or without end."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monolith.modules.notifications import smtp, smtp_session
from monolith.modules.notifications.mail import ComposedMail
from monolith.modules.notifications.smtp import DeliveryDeferred, MailServer
from tests.certificates import tls_proxy, write_certificate
from tests.integration.events.sample_events import Story
from tests.integration.notifications.conftest import Mailbox, Office

STATES = "SELECT state, attempts, problem FROM notifications.message ORDER BY message_id"


def test_reply_with_unprintable_characters_is_stored_without_them(office: Office, mailbox: Mailbox) -> None:
    mailbox.answers = ["450 4.2.0 try \x00\x1b[31m later", "550 no \x00 such mailbox", "450 " + "x" * 480]
    office.hear(*(Story(customer_id=office.customer()).booked() for _ in range(4)))
    office.send_all()
    assert office.administer(STATES) == [
        ("pending", 1, "450 4.2.0 try [31m later"),
        ("failed", 1, "550 no such mailbox"),
        ("pending", 1, "450 " + "x" * 480),
        ("sent", 1, None),
    ]


def test_mail_whose_outcome_cannot_be_stored_does_not_block_others(office: Office, mailbox: Mailbox) -> None:
    mailbox.answers = ["450 unstorable"]
    office.administer(
        "ALTER TABLE notifications.message ADD CONSTRAINT refused CHECK (problem IS DISTINCT FROM '450 unstorable')"
    )
    office.hear(*(Story(customer_id=office.customer()).booked() for _ in range(3)))
    office.send_all()
    assert office.administer(STATES) == [("pending", 1, None), ("sent", 1, None), ("sent", 1, None)]


Replies = Callable[[bytes, socket.socket], None]
"""Answers a command, of which the first is `connect`."""


def ordinary(command: bytes, connection: socket.socket) -> None:
    connection.sendall({b"connect": b"220 hi\r\n", b"DATA": b"354 go\r\n"}.get(command, b"250 ok\r\n"))


def dripping(at: bytes, part: bytes) -> Replies:
    """Never end the reply to one command."""

    def reply(command: bytes, connection: socket.socket) -> None:
        while command == at:
            connection.sendall(part)
            time.sleep(0.02)
        ordinary(command, connection)

    return reply


@contextlib.contextmanager
def mail_server(reply: Replies) -> Iterator[int]:
    """Serve on a port until the end of the block."""

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as lines:
            reply(b"connect", connection)
            for line in lines:
                command = line.strip()[:4].upper()
                reply(command, connection)
                if command == b"DATA":
                    while lines.readline() not in (b".\r\n", b""):
                        pass
                    reply(b".", connection)

    def accept(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


MAIL = ComposedMail("shop@book.example", "zoe@example.org", b"Subject: x\r\n\r\nhi\r\n")


def seconds_to_defer(server: MailServer) -> float:
    began = time.monotonic()
    with pytest.raises(DeliveryDeferred):
        server.send(MAIL)
    server.close()
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("at", "part"), [(b"connect", b"220-wait\r\n"), (b"EHLO", b"2"), (b"RCPT", b"250-x\r\n"), (b".", b"2")]
)
def test_reply_without_end_ends_with_the_time_of_the_mail(
    at: bytes, part: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "MAIL_SECONDS", 0.5)
    with mail_server(dripping(at, part)) as port:
        assert seconds_to_defer(MailServer(f"smtp://127.0.0.1:{port}")) < 2.0


def test_reply_without_end_over_tls_ends_with_the_time_of_the_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "MAIL_SECONDS", 3.0)
    certificate = write_certificate(tmp_path / "certificate.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    at_the_end = threading.Event()
    drip = dripping(b".", b"2")

    def reply(command: bytes, connection: socket.socket) -> None:
        if command == b".":
            at_the_end.set()
        drip(command, connection)

    with mail_server(reply) as port, tls_proxy(certificate, port) as tls_port:
        assert seconds_to_defer(MailServer(f"smtps://127.0.0.1:{tls_port}")) < 7.0
    assert at_the_end.is_set()


def test_reply_without_end_that_arrives_fast_ends_with_its_size() -> None:
    def flood(command: bytes, connection: socket.socket) -> None:
        while command == b"RCPT":
            connection.sendall(b"250-x\r\n" * 100)
        ordinary(command, connection)

    with mail_server(flood) as port:
        assert seconds_to_defer(MailServer(f"smtp://127.0.0.1:{port}")) < smtp_session.TIMEOUT


def test_slow_server_cannot_hold_accepted_mails_unmarked(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "MAIL_SECONDS", 0.5)
    accepted = 0

    def reply(command: bytes, connection: socket.socket) -> None:
        nonlocal accepted
        while command == b"RCPT" and accepted == 2:
            connection.sendall(b"250-x\r\n")
            time.sleep(0.02)
        accepted += command == b"."
        ordinary(command, connection)

    office.hear(*(Story(customer_id=office.customer()).booked() for _ in range(3)))
    with mail_server(reply) as port:
        assert office.another_sender(f"smtp://127.0.0.1:{port}").step()
    assert [(state, attempts) for state, attempts, _ in office.administer(STATES)] == [
        ("sent", 1),
        ("sent", 1),
        ("pending", 1),
    ]


def test_sender_that_waits_for_a_reply_can_be_interrupted(office: Office) -> None:
    office.hear(*(Story(customer_id=office.customer()).booked() for _ in range(2)))
    with mail_server(dripping(b"RCPT", b"250-x\r\n")) as port:
        sender = office.another_sender(f"smtp://127.0.0.1:{port}")
        threading.Timer(0.3, sender.interrupt).start()
        began = time.monotonic()
        assert sender.step()
        assert time.monotonic() - began < 2
    assert {state for state, *_ in office.administer(STATES)} == {"pending"}
