"""The SMTP server that receives the mails."""

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.devstack.ports import HOST
from deploy.mailsink.store import MailStore

LARGEST_MAIL = 2_000_000


class MailHandler:
    """Accepts every mail for any recipient, and forwards none."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Reply 250 after the mail is on disk, so that the sender can rely on it."""
        content = envelope.content
        number = self._store.add(content.encode() if isinstance(content, str) else content or b"")
        return f"250 stored as number {number}"


def start_smtp_server(store: MailStore, port: int) -> Controller:
    """Start the server in its own thread. Call `stop` on the result to end it."""
    controller = Controller(MailHandler(store), hostname=HOST, port=port, data_size_limit=LARGEST_MAIL)
    controller.start()
    return controller
