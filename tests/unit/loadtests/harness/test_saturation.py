"""Saturating load on real sockets with scripted responses."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle

import pytest

from deploy.errors import CommandError
from loadtests.harness.raw_http import render_request
from loadtests.harness.saturation import saturate

REQUEST = render_request("GET", "/", host="127.0.0.1", headers={"Cookie": "session=x"})


@contextmanager
def server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve each connection in a thread of its own within the block."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def answering(*pieces: bytes) -> Callable[[socket.socket], None]:
    """Send these pieces, one after the other, in response to each request."""

    def serve(connection: socket.socket) -> None:
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while connection.recv(65_536):
                for piece in pieces:
                    connection.sendall(piece)

    return serve


def test_request_is_rendered_as_http() -> None:
    request = render_request("POST", "/a", host="h:1", headers={"X": "y"}, body=b"{}")
    assert request == (
        b"POST /a HTTP/1.1\r\nHost: h:1\r\nX: y\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",),
        (b"HTTP/1.1 200 OK\r\ncontent-len", b"gth: 2\r\n\r\no", b"k"),
    ],
)
def test_every_connection_sends_again_after_each_response(pieces: tuple[bytes, ...]) -> None:
    with server(answering(*pieces)) as port:
        load = saturate(port, cycle([REQUEST]), connections=3, seconds=0.2)
    assert set(load.answers) == {200}
    assert load.answers[200] > 30
    assert load.throughput == pytest.approx(load.answers[200] / load.seconds)
    assert 0 < load.cpu <= 1.1


def test_responses_are_counted_by_status() -> None:
    with server(answering(b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n")) as port:
        load = saturate(port, cycle([REQUEST]), connections=1, seconds=0.05)
    assert set(load.answers) == {503}


def test_zero_seconds_send_one_request_per_connection() -> None:
    sent: list[bytes] = []

    def requests() -> Iterator[bytes]:
        while True:
            sent.append(REQUEST)
            yield REQUEST

    with server(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as port:
        saturate(port, requests(), connections=2, seconds=0)
    assert len(sent) == 2


def test_closed_connection_fails_the_measurement() -> None:
    with server(lambda connection: connection.close()) as port, pytest.raises(CommandError, match="closed"):
        saturate(port, cycle([REQUEST]), connections=1, seconds=0.1)
