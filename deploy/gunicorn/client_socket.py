"""The connection of a client, to which a thread writes without waiting for the client to read."""

import socket
import struct
from threading import Lock
from typing import Any

SOCKET_SECONDS = 10
"""The longest wait of a thread for a client to send more of a streamed body."""
SEND_BUFFER = 1 << 20
"""Bytes of a response that the system accepts for a slow client, if its limit permits."""
MOST_UNSENT = 64 << 20
"""Bytes of responses that a process keeps for clients that read slowly; a response that would exceed them is cut."""

_TIMEOUT = struct.pack("ll", SOCKET_SECONDS, 0)


class UnsentBytes:
    """The number of bytes that a process keeps for slow clients. Thread-safe."""

    def __init__(self) -> None:
        self._number = 0
        self._lock = Lock()

    def add(self, number: int) -> None:
        """Raises TimeoutError if the process keeps too many already."""
        with self._lock:
            if self._number + number > MOST_UNSENT:
                raise TimeoutError("too many clients read slowly")
            self._number += number

    def remove(self, number: int) -> None:
        with self._lock:
            self._number -= number


class ClientSocket(socket.socket):
    """A connection on which `sendall` keeps what the system does not accept at once, for `send_more`.

    Single reads end after `SOCKET_SECONDS`, by a timeout of the system: unlike Python's, it needs no further system
    call, and leaves MSG_DONTWAIT its meaning.
    """

    unsent = memoryview(b"")
    _kept: UnsentBytes

    def prepare(self, kept: UnsentBytes) -> None:
        """Set the timeouts of single reads and writes, and the size of the send buffer."""
        self._kept = kept
        self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEOUT)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEOUT)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

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
        self._kept.remove(sent)

    def close(self) -> None:
        if self.unsent:
            self._kept.remove(len(self.unsent))
            self.unsent = memoryview(b"")
        super().close()

    def _send(self, data: memoryview, flags: int = 0) -> int:
        try:
            return self.send(data, flags | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0
