"""A TCP proxy that spoils what passes through it: of our own, since a fault must strike exactly when a test says.

It knows no protocol. A fault takes hold of a connection when the server's next bytes arrive on it, so the server has
already done what was asked. Faults are injected for so many connections; the others pass untouched.
"""

import contextlib
import itertools
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Protocol, Self

CHUNK = 65_536
POLL_SECONDS = 0.05


class Fault(Protocol):
    def deliver(self, data: bytes, client: socket.socket) -> bool:
        """Pass on, or not, what the server sent. False: this connection is over."""


class Delay:
    """The server's first bytes come late; in order, as if the server had been slow."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def deliver(self, data: bytes, client: socket.socket) -> bool:
        time.sleep(self._seconds)
        self._seconds = 0
        client.sendall(data)
        return True


class Drip:
    """A byte now and then: no single read is slow."""

    def __init__(self, seconds: float = 0.02) -> None:
        self._seconds = seconds

    def deliver(self, data: bytes, client: socket.socket) -> bool:
        for position in range(len(data)):
            client.sendall(data[position : position + 1])
            time.sleep(self._seconds)
        return True


class Cut:
    """The connection ends after so many bytes: in order (FIN), or by a reset."""

    def __init__(self, after: int = 0, *, reset: bool = False) -> None:
        self._left = after
        self._reset = reset

    def deliver(self, data: bytes, client: socket.socket) -> bool:
        client.sendall(data[: self._left])
        self._left -= min(self._left, len(data))
        if self._left == 0 and self._reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return self._left > 0


class Swallow:
    """What the server sends never arrives, and the connection stays open."""

    def deliver(self, data: bytes, client: socket.socket) -> bool:
        return True


class WithoutLength:
    """An HTTP reply that has lost its Content-Length, cut in the middle of its body."""

    def __init__(self) -> None:
        self._head_passed = False

    def deliver(self, data: bytes, client: socket.socket) -> bool:
        lines = data.split(b"\r\n")
        client.sendall(b"\r\n".join(line for line in lines if not line.lower().startswith(b"content-length")))
        body = data.partition(b"\r\n\r\n")[2] if not self._head_passed else data
        self._head_passed = True
        return not body


class TcpProxy:
    """Listens on `port` while the block lasts. Every connection has a thread for each direction."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._faults: deque[Fault] = deque()
        self._open: set[socket.socket] = set()
        self._forwards = threading.Event()
        self._forwards.set()
        self._refuses = False
        self.connections = 0

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def inject(self, *faults: Fault) -> None:
        """Each spoils one connection, in this order."""
        self._faults.extend(faults)

    @contextlib.contextmanager
    def half_open(self) -> Iterator[None]:
        """Connections are accepted and stay open, but nothing of what clients send goes on; later it does."""
        self._forwards.clear()
        try:
            yield
        finally:
            self._forwards.set()

    def drop_connections(self, *, reset: bool = True) -> None:
        """End those that are open, as a restart of something in between would."""
        for connection in tuple(self._open):
            _close(connection, reset=reset)

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Every connection is reset, the open ones and the new ones; later the server is back."""
        self._refuses = True
        self.drop_connections()
        try:
            yield
        finally:
            self._refuses = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone would not wake the thread that accepts.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._forwards.set()
        self.drop_connections()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self._refuses:
                _close(client, reset=True)
                continue
            try:
                server = socket.create_connection(self._target)
            except OSError:
                _close(client, reset=True)
                continue
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open |= {client, server}
            for pump in (self._requests, self._replies):
                threading.Thread(target=self._pump, args=(pump, client, server), daemon=True).start()

    def _pump(self, pump: "Pump", client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            pump(client, server)
        for each in (client, server):
            self._open.discard(each)
            _close(each)

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        for data in _chunks(client):
            self._forwards.wait()
            server.sendall(data)

    def _replies(self, client: socket.socket, server: socket.socket) -> None:
        fault: Fault | None = None
        for data in _chunks(server):
            if fault is None and self._faults:
                fault = self._faults.popleft()
            if fault is None:
                client.sendall(data)
            elif not fault.deliver(data, client):
                return


class Pump(Protocol):
    def __call__(self, client: socket.socket, server: socket.socket, /) -> None: ...


def _chunks(source: socket.socket) -> Iterable[bytes]:
    return itertools.takewhile(bool, iter(lambda: source.recv(CHUNK), None))


def _close(connection: socket.socket, *, reset: bool = False) -> None:
    with contextlib.suppress(OSError):
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            connection.shutdown(socket.SHUT_RDWR)
    connection.close()
