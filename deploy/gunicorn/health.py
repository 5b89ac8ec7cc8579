"""Health checks on a listener of their own: `/healthz` and `/readyz`, with reasons.

On the public port a health check waits behind the traffic, so an overload looks like a failure, and an orchestrator
that restarts the process makes it one. The listener here has its own port and, in each worker process, its own threads.
It is for the private network: `/readyz` gives reasons.
"""

import io
import socket
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from contracts.chassis.readiness import Readiness

_SECONDS = 2.0
"""The time that a probe has for its whole request, and again for reading the reply."""
_MOST_PROBES = 32
"""At once in each process. Others are hung up on: threads cost memory, and so many are no probes."""


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

        def setup(self) -> None:
            super().setup()
            self.rfile.close()
            self.rfile = io.BufferedReader(_RequestInTime(self.connection))

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

    server = _ProbeServer(("", 0), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()


class _RequestInTime(io.RawIOBase):
    """Reads a request from a connection. All of it has to arrive in time, so that sending it slowly gains nothing."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._until = time.monotonic() + _SECONDS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("The request did not arrive in time.")
        self._connection.settimeout(left)
        try:
            return self._connection.recv_into(buffer)
        finally:
            self._connection.settimeout(_SECONDS)


class _ProbeServer(ThreadingHTTPServer):
    """Answers each probe in a thread of its own, so that one that sends nothing leaves the others."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places = threading.BoundedSemaphore(_MOST_PROBES)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing, as about probes: a client has hung up."""
