"""The connection of a client, to which a thread writes without waiting for the client to read."""

import math
import select
import socket
import struct
import time
from threading import Lock
from typing import Any

SOCKET_SECONDS = 10
"""The longest wait of a thread for a client to send more of a streamed body."""
SEND_BUFFER = 128 << 10
"""Bytes of a response that the system accepts for a slow client; Linux accepts twice as many."""
MOST_UNSENT = 64 << 20
"""Bytes of responses that a process keeps for clients that read slowly, before it closes the slowest. A response that
would exceed twice as many is cut."""

_TIMEOUT = struct.pack("ll", SOCKET_SECONDS, 0)


class UnsentBytes:
    """The number of bytes that a process keeps for slow clients. Thread-safe."""

    def __init__(self) -> None:
        self.number = 0
        self._lock = Lock()

    def add(self, number: int) -> None:
        """Add to the number, or subtract from it. Raises TimeoutError if the process keeps far too many already."""
        with self._lock:
            if number > 0 and self.number + number > 2 * MOST_UNSENT:
                raise TimeoutError("too many clients read slowly")
            self.number += number


class ClientSocket(socket.socket):
    """A connection on which `sendall` keeps what the system does not accept at once, for `send_more`.

    Single reads end after `SOCKET_SECONDS`, by a timeout of the system: unlike Python's, it needs no further system
    call, and leaves MSG_DONTWAIT its meaning.
    """

    unsent = memoryview(b"")
    _kept: UnsentBytes
    _read_until = math.inf

    def prepare(self, kept: UnsentBytes) -> None:
        """Set the timeouts of single reads and writes, the size of the send buffer, and the place of urgent data."""
        self._kept = kept
        # Urgent data would count as arrived, but could not be read.
        self.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEOUT)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEOUT)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def read_within(self, seconds: float) -> None:
        """Limit the time of all reads from now on together; one that has begun may take `SOCKET_SECONDS` longer."""
        self._read_until = time.monotonic() + seconds

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Raises OSError; TimeoutError after the time of `read_within`."""
        if self._read_until < math.inf and time.monotonic() > self._read_until:
            raise TimeoutError("the client sends too slowly")
        return super().recv(size, flags)

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send the data, or keep what the client does not read. Does not wait. Raises OSError."""
        sent = 0 if self.unsent else self._send(data, flags)
        left = memoryview(data).cast("B")[sent:]
        if left:
            self._kept.add(len(left))
            self.unsent = memoryview(b"".join((self.unsent, left)))

    def send_more(self) -> None:
        """Send as much of the rest as the system accepts. Raises OSError."""
        sent = self._send(self.unsent)
        self.unsent = self.unsent[sent:]
        self._kept.add(-sent)

    def close(self) -> None:
        if self.unsent:
            self._kept.add(-len(self.unsent))
            self.unsent = memoryview(b"")
        super().close()

    def _send(self, data: memoryview, flags: int = 0) -> int:
        try:
            return self.send(data, flags | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0


def has_closed(client: socket.socket) -> bool:
    """Return whether the client has closed its end of the connection, for writing at least."""
    poll = select.poll()
    poll.register(client, select.POLLRDHUP)
    return bool(poll.poll(0))
