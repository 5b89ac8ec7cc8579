"""The connection that a call came by."""

import socket
import ssl
from typing import Any

_PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT


def caller_has_gone(environ: dict[str, Any]) -> bool:
    """Whether the caller closed its end, which a caller does at its deadline.

    The time left travels as a duration, so it does not count how long a request waited unread, in the socket of a
    stopped process or in the queue of a busy one. After SIGCONT such requests all look fresh, but nobody waits for
    them. Knows gunicorn's socket only; elsewhere, and behind TLS of the server's own, the answer is no.
    """
    connection = environ.get("gunicorn.socket")
    if not isinstance(connection, socket.socket) or isinstance(connection, ssl.SSLSocket):
        return False
    try:
        return connection.recv(1, _PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
