"""A scripted server for hostile replies, byte by byte, on real sockets."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Step = bytes | float
"""Bytes to send, or seconds to wait."""

Script = Callable[[int], list[Step]]
"""Return the steps for the n-th request, from 0. The steps `CLOSE` and `RESET` end the connection."""

CLOSE: Step = b"<close>"
RESET: Step = b"<reset>"


@dataclass
class Peer:
    url: str
    listener: socket.socket
    requests: list[bytes] = field(default_factory=list)
    """Every request received, head and body."""
    times: list[float] = field(default_factory=list)
    """The arrival time of each request, on the monotonic clock."""

    def leave(self) -> None:
        """Refuse all further connections."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@contextlib.contextmanager
def peer(script: Script) -> Iterator[Peer]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    seen = Peer(f"http://127.0.0.1:{listener.getsockname()[1]}", listener)
    threading.Thread(target=_accept, args=(listener, seen, script), daemon=True).start()
    try:
        yield seen
    finally:
        seen.leave()


def answer(status: str, body: bytes, *headers: str, content_type: str = "application/json") -> bytes:
    """Return a complete HTTP reply with its Content-Length."""
    head = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def problem(status: str, body: bytes, *headers: str) -> bytes:
    return answer(status, body, *headers, content_type="application/problem+json")


def _accept(listener: socket.socket, seen: Peer, script: Script) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_serve, args=(connection, seen, script), daemon=True).start()


def _serve(connection: socket.socket, seen: Peer, script: Script) -> None:
    with contextlib.suppress(OSError), connection:
        while request := _request(connection):
            seen.times.append(time.monotonic())
            seen.requests.append(request)
            if not _follow(script(len(seen.requests) - 1), connection):
                return


def _follow(steps: list[Step], connection: socket.socket) -> bool:
    for step in steps:
        if isinstance(step, float):
            time.sleep(step)
        elif step == RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        elif step == CLOSE:
            return False
        else:
            connection.sendall(step)
    return True


def _request(connection: socket.socket) -> bytes:
    """Return one request with its body; empty when the connection has ended."""
    data = b""
    while b"\r\n\r\n" not in data:
        received = connection.recv(65_536)
        if not received:
            return b""
        data += received
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    missing = (int(lengths[0].split(b":")[1]) if lengths else 0) - len(body)
    while missing > 0:
        received = connection.recv(missing)
        if not received:
            return b""
        data, missing = data + received, missing - len(received)
    return data
