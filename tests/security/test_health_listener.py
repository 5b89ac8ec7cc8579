"""Connections that send slowly, or nothing, leave the health checks of a process."""

import contextlib
import http.client
import socket
import time
from collections.abc import Iterator

import pytest

from contracts.chassis.readiness import Readiness
from deploy.gunicorn.health import open_listener, serve_health
from tests.polling import eventually

PROMISED_SECONDS = 2.0


class Worker:
    alive = True


@pytest.fixture(scope="module")
def port() -> int:
    """Serve until the process ends, as in a worker."""
    listener = open_listener("127.0.0.1", 0)
    serve_health(listener, Readiness([]), Worker())
    number: int = listener.getsockname()[1]
    return number


@contextlib.contextmanager
def unfinished_requests(port: int, number: int) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as opened:
        connections = [opened.enter_context(socket.create_connection(("127.0.0.1", port), 5)) for _ in range(number)]
        for each in connections:
            each.sendall(b"GET /")
        yield connections


def status(port: int) -> int | None:
    """Return the status of a probe; None if there is no answer within the time of a container's probe."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status
        except OSError:
            return None


def test_unfinished_requests_delay_no_probe(port: int) -> None:
    with unfinished_requests(port, 16):
        began = time.monotonic()
        assert [status(port) for _ in range(3)] == [200, 200, 200]
        assert time.monotonic() - began < PROMISED_SECONDS


def test_request_that_drips_ends_in_time(port: int) -> None:
    with unfinished_requests(port, 1) as (dripping,):
        began = time.monotonic()
        dripping.settimeout(0.1)
        while time.monotonic() - began < 3 * PROMISED_SECONDS:
            try:
                dripping.sendall(b"a")
                assert dripping.recv(1) == b""
                break
            except TimeoutError:
                continue  # It is still open.
            except ConnectionError:
                break
        assert PROMISED_SECONDS - 0.5 < time.monotonic() - began < 2 * PROMISED_SECONDS


def test_more_connections_than_probes_are_hung_up_on(port: int) -> None:
    with unfinished_requests(port, 40) as connections:
        connections[-1].settimeout(1)
        with contextlib.suppress(ConnectionError):
            assert connections[-1].recv(1) == b"", "hung up on at once"
        eventually(lambda: status(port) == 200, "a probe, once the others have had their time", seconds=10)
