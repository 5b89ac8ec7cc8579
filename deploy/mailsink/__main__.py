"""The mail sink: receives mails on SMTP_PORT, shows them on MAIL_PORT, and stores them in DATA_DIR/mail."""

import logging
import os
import signal
import sys

from werkzeug.serving import make_server

from deploy.devstack.ports import HOST
from deploy.devstack.settings import read_settings
from deploy.errors import CommandError
from deploy.mailsink.pages import create_pages
from deploy.mailsink.smtp import start_smtp_server
from deploy.mailsink.store import MailStore


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    settings = read_settings(os.environ)
    store = MailStore(settings.data / "mail")
    pages = make_server(HOST, settings.ports["MAIL_PORT"], create_pages(store), threaded=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    smtp = start_smtp_server(store, settings.ports["SMTP_PORT"])
    try:
        pages.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        smtp.stop()
        pages.server_close()


if __name__ == "__main__":
    try:
        main()
    except (CommandError, OSError) as error:
        sys.exit(f"mailsink: {error}")
