"""SMTP sessions that end in time, even with a server that sends its replies byte by byte or without end."""

import io
import smtplib
import socket
from typing import Any

from contracts.chassis.deadline import Deadline

TIMEOUT = 5.0
"""Limits the wait for each part of a reply, and for a connection to each address."""
LARGEST_REPLIES = 32 * 1024
_INTERRUPTIBLE = 0.25


class SessionLimits:
    """What a server may use for its replies: seconds and bytes, since the last `begin`."""

    def __init__(self) -> None:
        self._deadline = Deadline.after(0.0)
        self._bytes = 0
        self._interrupted = False

    def begin(self, seconds: float) -> None:
        """Allow the next exchange so many seconds, and 32 kB of replies."""
        self._deadline = Deadline.after(seconds)
        self._bytes = 0

    def interrupt(self) -> None:
        """End the exchange in progress within a quarter of a second, and each further one at once. Thread-safe."""
        self._interrupted = True

    def left(self) -> float:
        """Return the seconds left. Raises TimeoutError."""
        left = self._deadline.remaining()
        if left <= 0:
            raise TimeoutError("the mail server takes too long")
        if self._interrupted:
            raise TimeoutError("interrupted, because the process ends")
        return left

    def count(self, received: int) -> None:
        """Count bytes of replies. Raises OSError beyond the limit."""
        self._bytes += received
        if self._bytes > LARGEST_REPLIES:
            raise OSError(f"the replies of the mail server exceed {LARGEST_REPLIES // 1024} kB")


class LimitedSession(smtplib.SMTP):
    """A session within `limits`, of which the caller begins each exchange."""

    def __init__(self, limits: SessionLimits, host: str, port: int, **settings: Any) -> None:
        self._limits = limits
        super().__init__(host, port, timeout=min(TIMEOUT, limits.left()), **settings)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            # Otherwise the library reads from the socket, with a limit for each byte.
            self.file = io.BufferedReader(_Replies(self.sock, self._limits))
        return super().getreply()

    def send(self, s: Any) -> None:
        if self.sock is not None:
            self.sock.settimeout(min(TIMEOUT, self._limits.left()))
        super().send(s)


class LimitedTlsSession(LimitedSession, smtplib.SMTP_SSL):
    """The same with implicit TLS."""


class _Replies(io.RawIOBase):
    def __init__(self, connection: socket.socket, limits: SessionLimits) -> None:
        self._connection = connection
        self._limits = limits

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        until = Deadline.after(TIMEOUT)
        while not until.expired():
            self._connection.settimeout(min(self._limits.left(), _INTERRUPTIBLE))
            try:
                received = self._connection.recv_into(buffer)
            except TimeoutError:
                continue
            self._limits.count(received)
            return received
        raise TimeoutError("the mail server does not reply")
