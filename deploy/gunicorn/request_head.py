"""The beginning of a request that still waits in its socket."""

import re
import socket
from urllib.parse import unquote_to_bytes

import msgspec
from gunicorn.util import split_request_uri

from contracts.chassis.http_constants import MAX_REQUEST_BYTES

_PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT
LONGEST_HEAD = 16 * 1024
"""Bytes; gunicorn refuses a longer request line or header field."""
_LONGEST_AWAITED = LONGEST_HEAD + MAX_REQUEST_BYTES
_length = re.compile(rb"\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r", re.IGNORECASE)
_streamed = re.compile(rb"\n(?:transfer-encoding|expect|content-length(?!:[ \t]*[0-9]{1,9}[ \t]*\r))", re.IGNORECASE)
"""Headers of a body that is not awaited; an unusual length among them, which the parser might understand."""
_plain_path = re.compile(rb"/[A-Za-z0-9/_.~-]*")


class RequestHead(msgspec.Struct, frozen=True):
    """The part of a request that the socket holds. `missing` is the number of bytes known to be missing, or 0."""

    method: str
    path: str
    """Decoded as the parser decodes it, so that no spelling of a path is taken for another one."""
    head: bytes
    size: int
    """Bytes of the whole request; 0 if its end is unknown."""
    missing: int = 0
    streamed: bool = False
    """Whether the body cannot be awaited in the socket: chunked, announced with Expect, or too long."""


INCOMPLETE = RequestHead("", "", b"", 0, missing=1)
UNREADABLE = RequestHead("", "", b"", 0, streamed=True)
"""Not the beginning of a request, or one that is too long: the parser answers it."""


class Disconnected(Exception):
    """The client has closed its end."""


def peek(connection: socket.socket) -> RequestHead:
    """Look at what has arrived, and leave it in the socket. Raises Disconnected and OSError."""
    try:
        received = connection.recv(LONGEST_HEAD, _PEEK)
    except BlockingIOError:
        return INCOMPLETE
    if not received:
        raise Disconnected
    head, found, _ = received.partition(b"\r\n\r\n")
    if not found:
        return UNREADABLE if len(received) >= LONGEST_HEAD else _incomplete(len(received))
    parsed = _parse(head)
    missing = _missing(connection, parsed.size, len(received))
    return msgspec.structs.replace(parsed, missing=missing) if missing else parsed


def pipelined(received: bytes) -> RequestHead:
    """Return the head of a request that the parser has read ahead, as one that cannot be awaited in the socket."""
    head, found, _ = received.partition(b"\r\n\r\n")
    return msgspec.structs.replace(_parse(head), size=0, streamed=True) if found else UNREADABLE


def _parse(head: bytes) -> RequestHead:
    """`missing` is not known."""
    line, _, _ = head.partition(b"\r\n")
    parts = line.split(b" ")
    if len(parts) != 3:
        return UNREADABLE
    method, path = parts[0].decode("latin-1"), _path_of(parts[1])
    head += b"\r"
    if _streamed.search(head):
        return RequestHead(method, path, head, 0, streamed=True)
    length = _length.search(head)
    size = len(head) + 3 + (int(length[1]) if length else 0)
    if size > _LONGEST_AWAITED:
        return RequestHead(method, path, head, 0, streamed=True)
    return RequestHead(method, path, head, size)


def _path_of(target: bytes) -> str:
    path = target.partition(b"?")[0]
    if _plain_path.fullmatch(path):
        return path.decode()
    try:
        return unquote_to_bytes(split_request_uri(target.decode("latin-1")).path).decode("latin-1")
    except ValueError:
        return ""


def _incomplete(received: int) -> RequestHead:
    return RequestHead("", "", b"", received + 1, missing=1)


def _missing(connection: socket.socket, size: int, received: int) -> int:
    if size <= received:
        return 0
    if received == LONGEST_HEAD:  # the socket may hold more than was looked at
        received = len(connection.recv(size, _PEEK))
    return max(0, size - received)
