"""Reading the head of a request that waits in its socket."""

import socket
from collections.abc import Iterator

import pytest

from deploy.gunicorn.request_head import LONGEST_HEAD, UNREADABLE, Disconnected, peek, pipelined

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    client, server = socket.socketpair()
    with client, server:
        yield client, server


def test_complete_request_is_seen_and_stays_in_the_socket(pair: Pair) -> None:
    client, server = pair
    request = b"POST /some/path?query HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
    client.sendall(request)
    found = peek(server)
    assert (found.method, found.path, found.size) == ("POST", "/some/path", len(request))
    assert (found.missing, found.streamed) == (0, False)
    assert server.recv(1000) == request


@pytest.mark.parametrize(
    ("sent", "missing"),
    [
        (b"", 1),
        (b"GE", 1),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", 1),
        (b"GET / HTTP/1.1\r\nContent-Length: 10\r\n\r\n12345", 5),
        (b"GET / HTTP/1.1\r\nContent-Length: 40000\r\n\r\n" + b"1" * 30_000, 10_000),
    ],
)
def test_incomplete_request_says_how_much_is_missing(pair: Pair, sent: bytes, missing: int) -> None:
    client, server = pair
    client.sendall(sent)
    found = peek(server)
    assert (found.missing, found.streamed) == (missing, False)


@pytest.mark.parametrize(
    "header",
    [
        b"Transfer-Encoding: chunked",
        b"expect: 100-continue",
        b"Content-Length: 0000000100",
        b"Content-Length: +100",
        b"Content-Length : 100",
        b"Content-Length: 99999999",
    ],
)
def test_body_that_cannot_be_awaited_is_streamed(pair: Pair, header: bytes) -> None:
    client, server = pair
    client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n")
    found = peek(server)
    assert (found.missing, found.streamed) == (0, True)


@pytest.mark.parametrize(
    "target",
    [
        b"/b/salon?x=/y",
        b"/b/s%61lon",
        b"/b%2Fsalon",
        b"http://127.0.0.1:8000/b/salon?x",
        b"/b/salon#part",
        b"/%62/salon",
    ],
)
def test_every_spelling_of_a_path_is_the_same_path(pair: Pair, target: bytes) -> None:
    client, server = pair
    client.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert peek(server).path == "/b/salon"


def test_target_that_is_no_address_has_no_path(pair: Pair) -> None:
    client, server = pair
    client.sendall(b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n")
    assert peek(server).path == ""


@pytest.mark.parametrize("sent", [b"\r\n\r\n", b"nonsense\r\n\r\n", b"GET /" + b"x" * LONGEST_HEAD])
def test_what_is_no_request_is_left_to_the_parser(pair: Pair, sent: bytes) -> None:
    client, server = pair
    client.sendall(sent)
    assert peek(server) == UNREADABLE


def test_pipelined_request_is_known_by_its_path() -> None:
    found = pipelined(b"GET /b/salon HTTP/1.1\r\nHost: x\r\n\r\nGET /")
    assert (found.method, found.path, found.size, found.streamed) == ("GET", "/b/salon", 0, True)
    assert pipelined(b"GET /b/salon HTTP/1.1\r\nHost: x\r\n") == UNREADABLE


def test_closed_connection_is_reported(pair: Pair) -> None:
    client, server = pair
    client.close()
    with pytest.raises(Disconnected):
        peek(server)
