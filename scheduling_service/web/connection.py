"""The state of the caller's connection."""

import socket
import ssl
from typing import Any

_PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT


def caller_has_disconnected(environ: dict[str, Any]) -> bool:
    """Return whether the caller has closed its end, as callers do at their deadline.

    The remaining time is sent as a duration, so it does not include the time that a request spent unread, in the socket
    of a stopped process or in the queue of a busy one. After SIGCONT such requests look new, although their callers
    have left. Works only with gunicorn's plain sockets; returns false elsewhere, and if the server terminates TLS.
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
