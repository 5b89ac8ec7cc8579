"""Responses to clients that read slowly: kept, sent later, and limited in number."""

import socket
from collections.abc import Iterator

import pytest

from deploy.gunicorn.client_socket import MOST_UNSENT, ClientSocket, UnsentBytes

LONG = bytes(range(256)) * 40_000
"""Longer than the buffers of both ends."""


@pytest.fixture
def pair() -> Iterator[tuple[ClientSocket, socket.socket]]:
    """The server's end and the client's."""
    ours, theirs = socket.socketpair()
    server = ClientSocket(ours.family, ours.type, ours.proto, ours.detach())
    with server, theirs:
        server.prepare(UnsentBytes())
        yield server, theirs


def test_rest_of_a_response_is_kept_in_order_until_the_client_reads(pair: tuple[ClientSocket, socket.socket]) -> None:
    server, client = pair
    server.sendall(b"head")
    server.sendall(LONG)
    server.sendall(b"tail")
    assert 0 < len(server.unsent) < len(LONG)
    received = b""
    while len(received) < len(LONG) + 8:
        if server.unsent:
            server.send_more()
        received += client.recv(1 << 20)
    assert received == b"head" + LONG + b"tail"
    assert not server.unsent


def test_what_is_kept_for_all_clients_is_limited(pair: tuple[ClientSocket, socket.socket]) -> None:
    server, _ = pair
    kept = UnsentBytes()
    kept.add(2 * MOST_UNSENT - 1000)
    server.prepare(kept)
    with pytest.raises(TimeoutError, match="read slowly"):
        server.sendall(LONG)
    server.close()
    kept.add(1000)


def test_closed_connection_keeps_nothing(pair: tuple[ClientSocket, socket.socket]) -> None:
    server, _ = pair
    kept = UnsentBytes()
    server.prepare(kept)
    server.sendall(LONG)
    server.close()
    assert kept.number == 0


def test_client_that_has_left_is_an_error(pair: tuple[ClientSocket, socket.socket]) -> None:
    server, client = pair
    server.sendall(LONG)
    client.close()
    with pytest.raises(ConnectionError):
        server.send_more()
