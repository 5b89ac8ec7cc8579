"""The mails about accounts, as they arrive at a real mail server."""

import re
from dataclasses import dataclass
from email.message import EmailMessage

from monolith.modules.auth.account_mails import AccountMails
from tests.integration.notifications.conftest import Mailbox

_LINK = re.compile(r"http://\S+/([a-z-]+)\?token=([A-Za-z0-9_-]{43})(?=\s)")


@dataclass(frozen=True)
class Post:
    """Delivers due mails, and finds the links in them."""

    mails: AccountMails
    mailbox: Mailbox

    def deliver(self) -> list[tuple[str, str]]:
        """Send all due mails; return recipient and subject of the new ones."""
        before = len(self.mailbox.mails)
        while self.mails.step():
            pass
        return [(str(mail["To"].addresses[0].addr_spec), str(mail["Subject"])) for mail in self.mailbox.mails[before:]]

    def token(self, page: str, email: str) -> str:
        """Deliver, and return the token of the newest link to this page in a mail to this address."""
        self.deliver()
        found = [
            match[2]
            for mail in self.mailbox.mails
            if mail["To"].addresses[0].addr_spec == email
            for match in _LINK.finditer(text_of(mail))
            if match[1] == page
        ]
        assert found, f"no link to {page} for {email} in {self.mailbox.subjects()}"
        return found[-1]


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())
