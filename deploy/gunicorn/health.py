"""Health checks on a listener of their own: `/healthz` and `/readyz`, with reasons.

On the public port a health check waits behind the traffic, so an overload looks like a failure, and an orchestrator
that restarts the process makes it one. The listener here has its own port and, in each worker process, its own thread.
It is for the private network: `/readyz` gives reasons.
"""

import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Protocol

from contracts.chassis.readiness import Readiness

_SECONDS = 2.0
"""The time that a probe has for its request."""


class StoppingWorker(Protocol):
    """The used part of gunicorn's worker."""

    alive: bool


def open_listener(host: str, port: int) -> socket.socket:
    """Return a listening socket that worker processes share. Call it before they are forked."""
    # Reused, so that a new master can listen before the old one stops (SIGUSR2).
    listener = socket.create_server((host, port), backlog=64, reuse_port=True)
    # A probe wakes each worker; one of them gets it, and the others must not wait for the next.
    listener.setblocking(False)
    return listener


def serve_health(listener: socket.socket, readiness: Readiness, worker: StoppingWorker) -> None:
    """Answer probes in a thread of this process, until it ends."""

    class Handler(BaseHTTPRequestHandler):
        timeout = _SECONDS
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            if self.path == "/healthz":
                self._answer(HTTPStatus.OK, "ok")
            elif self.path != "/readyz":
                self._answer(HTTPStatus.NOT_FOUND, "only /healthz and /readyz are here")
            elif not worker.alive:
                self._answer(HTTPStatus.SERVICE_UNAVAILABLE, "The process is stopping.")
            else:
                missing = readiness.missing()
                status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.OK
                self._answer(status, " ".join(missing.values()) or "ready")

        def _answer(self, status: HTTPStatus, text: str) -> None:
            body = f"{text}\n".encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: probes come every second."""

    server = HTTPServer(("", 0), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
