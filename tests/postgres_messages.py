"""Messages of the Postgres protocol, version 3, on a socket."""

import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple


class Message(NamedTuple):
    kind: bytes
    body: bytes

    @property
    def encoded(self) -> bytes:
        return self.kind + struct.pack("!I", len(self.body) + 4) + self.body


class Stream:
    """Messages of the Postgres protocol on a socket."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._buffer = b""

    def read(self) -> list[Message]:
        """Wait for bytes and return the complete messages. Raises ConnectionError at the end of the stream."""
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionError
        self._buffer += data
        return list(self._complete())

    def read_start_up(self) -> bytes:
        """Return the body of the first message, which has no type."""
        length = struct.unpack("!I", self._exactly(4))[0]
        return self._exactly(length - 4)

    def send(self, *messages: Message) -> None:
        self.socket.sendall(b"".join(message.encoded for message in messages))

    def _complete(self) -> Iterator[Message]:
        while len(self._buffer) >= 5:
            length = 1 + struct.unpack_from("!I", self._buffer, 1)[0]
            if len(self._buffer) < length:
                return
            yield Message(self._buffer[:1], self._buffer[5:length])
            self._buffer = self._buffer[length:]

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            data = self.socket.recv(65_536)
            if not data:
                raise ConnectionError
            self._buffer += data
        found, self._buffer = self._buffer[:count], self._buffer[count:]
        return found
