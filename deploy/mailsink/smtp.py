"""The server that takes the mails in."""

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.devstack.ports import HOST
from deploy.mailsink.store import MailStore

LARGEST_MAIL = 2_000_000


class MailHandler:
    """Accepts every mail for everybody, and sends none on."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Answer 250 once the mail stands on disk, so that a sender may rely on it."""
        content = envelope.content
        number = self._store.add(content.encode() if isinstance(content, str) else content or b"")
        return f"250 kept as number {number}"


def start_smtp_server(store: MailStore, port: int) -> Controller:
    """Serve in a thread of its own until `stop` is called on what is returned."""
    controller = Controller(MailHandler(store), hostname=HOST, port=port, data_size_limit=LARGEST_MAIL)
    controller.start()
    return controller
