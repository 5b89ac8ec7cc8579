"""Notifications on databases of their own, with a mail server that stores its mail."""

import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from contracts.scheduling.events import AnyEvent
from deploy.devstack.ports import free_port
from monolith.modules.auth.api import MailingBusiness
from monolith.modules.notifications.mail import SenderIdentity
from monolith.modules.notifications.module import Notifications, build_notifications
from monolith.modules.notifications.reminders import Reminders
from monolith.modules.notifications.sender import RetryPolicy, Sender
from monolith.modules.notifications.smtp import MailServer
from monolith.shared.customer_links import CustomerLinks
from monolith.shared.database import ModuleDatabase
from monolith.shared.localization import Language
from tests.databases import Databases

SENDER = SenderIdentity("https://book.example", CustomerLinks("a secret of the test"))


@dataclass(frozen=True)
class Person:
    name: str
    email: str
    confirmed: bool = True
    language: Language | None = None


@dataclass
class Mailbox:
    """A mail server that replies to recipients with `answers` in turn, then with 250."""

    url: str
    answers: list[str] = field(default_factory=list)
    after_data: list[str] = field(default_factory=list)
    """Replies to the mail data. The mail is stored regardless, like by a server whose reply is lost."""
    mails: list[EmailMessage] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    async def handle_RCPT(self, _: Any, __: Any, envelope: Envelope, address: str, ___: Any) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _: Any, __: Any, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        with self.lock:
            self.mails.append(mail)
        return self.after_data.pop(0) if self.after_data else "250 OK"

    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    port = free_port()
    mailbox = Mailbox(f"smtp://127.0.0.1:{port}")
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield mailbox
    controller.stop()


class Office:
    """The module with its dependencies. `people` stands in for the users of auth."""

    def __init__(self, databases: Databases, mailbox: Mailbox) -> None:
        self.people: dict[UUID, Person] = {}
        self.language: Language = "en"
        self._admin_url = databases.monolith_admin_url
        self._url, self._secret = databases.monolith_url, databases.role_secret
        self.database = ModuleDatabase(self._url, role="notifications_app", secret=self._secret)
        self.sending = ModuleDatabase(self._url, role="notifications_sender", secret=self._secret)
        self.module: Notifications = build_notifications(self.database)
        self.sender = self.another_sender(mailbox.url)
        self.reminders = Reminders(self.sending)

    def contacts(self, customers: Collection[tuple[UUID, UUID]], /) -> dict[tuple[UUID, UUID], Person]:
        return {each: self.people[each[1]] for each in customers if each[1] in self.people}

    def mailing_businesses(self, business_ids: Collection[UUID], /) -> dict[UUID, MailingBusiness]:
        return dict.fromkeys(business_ids, MailingBusiness("1 Quay Street", self.language))

    def business_contacts(self, business_ids: Collection[UUID], /) -> dict[UUID, Person]:
        return dict.fromkeys(business_ids, Person("Studio Ümlaut", "desk@example.org"))

    def customer_names(self, _: UUID, customer_ids: Collection[UUID], /) -> dict[UUID, str]:
        return {each: self.people[each].name for each in customer_ids if each in self.people}

    def another_sender(self, url: str, retries: RetryPolicy | None = None) -> Sender:
        return Sender(self.sending, self, MailServer(url), SENDER, retries)

    def customer(self, name: str = "Zoë", email: str = "zoe@example.org", language: Language | None = None) -> UUID:
        user_id = uuid4()
        self.people[user_id] = Person(name, email, language=language)
        return user_id

    def hear(self, *events: AnyEvent) -> None:
        for event in events:
            with self.database.transaction(event.business_id) as connection:
                self.module.consumers[0].handle([event], connection)

    def send_all(self) -> None:
        while self.sender.step():
            pass

    def administer(self, statement: str) -> list[Any]:
        with psycopg.connect(self._admin_url) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def time_passes(self) -> None:
        """Make all queued mails due."""
        self.administer("UPDATE notifications.message SET next_attempt_at = now() WHERE state = 'pending'")

    def close(self) -> None:
        self.database.close()
        self.sending.close()


@pytest.fixture
def office(databases: Databases, mailbox: Mailbox) -> Iterator[Office]:
    office = Office(databases, mailbox)
    yield office
    office.close()
