"""A proxy in front of Postgres that counts the round trips of each role."""

import re
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.proxy import CHUNK, TcpProxy

IGNORED = "ignored"
_SETTING = re.compile(rb"(user|application_name)\0([^\0]*)\0")


class RoundTrips(TcpProxy):
    """Counts a round trip whenever a client sends after the server has sent: what a pipeline sends together is one.

    Connections whose application name is in `ignored` do not count.
    """

    def __init__(self, host: str, port: int, *, ignored: frozenset[str] = frozenset()) -> None:
        super().__init__(host, port)
        self._ignored = ignored
        self._total: Counter[str] = Counter()
        self._answered: set[socket.socket] = set()

    @contextmanager
    def counted(self) -> Iterator[Counter[str]]:
        """Yield a counter that holds the round trips of each role after the block."""
        before, during = self._total.copy(), Counter[str]()
        yield during
        during.update(self._total - before)
        del during[IGNORED]

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        role = ""
        while data := client.recv(CHUNK):
            role = role or _role(data, self._ignored)
            if client in self._answered:
                self._answered.discard(client)
                self._total[role] += 1
            server.sendall(data)

    def _replies(self, client: socket.socket, server: socket.socket) -> None:
        while data := server.recv(CHUNK):
            self._answered.add(client)
            client.sendall(data)


def _role(startup: bytes, ignored: frozenset[str]) -> str:
    """Return the role that a startup message names; empty for the request of TLS that precedes it."""
    settings = {name: value.decode() for name, value in _SETTING.findall(startup)}
    return IGNORED if settings.get(b"application_name") in ignored else settings.get(b"user", "")
