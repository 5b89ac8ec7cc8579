"""The monolith under gunicorn with its production settings, and raw sockets to send malformed requests to it.

No scheduling service runs: every business uses the in-process adapter.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.databases import Databases
from tests.servers import ROOT
from tests.site import METRICS_TOKEN, Client

START_SECONDS = 30.0


@dataclass(frozen=True)
class GunicornSite:
    """A running monolith. `log` is the combined output of its processes, `pid` its master."""

    port: int
    log: Path
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def client(self) -> Client:
        return Client(self.url)

    def send_raw(self, request: bytes) -> tuple[int, bytes]:
        """Send bytes; return the status (0 if there is none) and the reply up to end of stream or 1 s of silence."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(request)
            answer = _all_of(connection)
        status = answer.split(b" ", 2)[1] if answer.startswith(b"HTTP/1.1 ") else b"0"
        return int(status), answer


@contextlib.contextmanager
def gunicorn_site(
    databases: Databases, folder: Path, *, until: str = "/readyz", **settings: str
) -> Iterator[GunicornSite]:
    """Run the monolith, once the path `until` answers with 200; `settings` are additional environment variables."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "gunicorn.log"
    environment = os.environ | {
        "MONOLITH_DATABASE_URL": databases.monolith_url,
        "DATABASE_ROLE_SECRET": databases.role_secret,
        "SCHEDULING_SERVICE_URL": "http://127.0.0.1:1",
        "SERVICE_TOKEN_SIGNING_KEY": f"test:{secrets.token_urlsafe(32)}",
        "METRICS_TOKEN": METRICS_TOKEN,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "MONOLITH_PORT": str(port),
        "WEB_WORKERS": "2",
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
        **settings,
    }
    (folder / "metrics").mkdir()
    program = Path(sys.executable).with_name("gunicorn")
    command: list[str | Path] = [program, "-c", "deploy/gunicorn/monolith.py", "monolith.wsgi:app"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    site = GunicornSite(port, log, process.pid)
    try:
        _wait_until_up(site, process, until)
        yield site
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait_until_up(site: GunicornSite, process: "subprocess.Popen[bytes]", path: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(site.url + path, timeout=5).status_code == 200:
                return
        time.sleep(0.05)
    raise RuntimeError(f"gunicorn did not start:\n{site.log.read_text()}")


def _all_of(connection: socket.socket) -> bytes:
    received = b""
    connection.settimeout(1.0)
    with contextlib.suppress(TimeoutError, ConnectionError):
        while chunk := connection.recv(65_536):
            received += chunk
    return received
