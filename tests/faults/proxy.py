"""A TCP proxy that injects faults exactly when a test requires them.

It is independent of any protocol. A fault strikes a connection when the server's next bytes arrive on it: the server
has already processed the request. Each injected fault applies to one connection; others pass unchanged.
"""

import contextlib
import itertools
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, Self
from urllib.parse import urlsplit

from deploy.gunicorn.probe import answers

CHUNK = 65_536
POLL_SECONDS = 0.05


class Fault(Protocol):
    def deliver(self, data: bytes, client: socket.socket) -> bool:
        """Forward the server's bytes, or not. Return False to end the connection."""


class Delay:
    """Delay the server's first bytes, as a slow server would."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def deliver(self, data: bytes, client: socket.socket) -> bool:
        time.sleep(self._seconds)
        self._seconds = 0
        client.sendall(data)
        return True


class Drip:
    """Forward one byte at a time: the reply is slow although no single read is."""

    def __init__(self, seconds: float = 0.02) -> None:
        self._seconds = seconds

    def deliver(self, data: bytes, client: socket.socket) -> bool:
        for position in range(len(data)):
            client.sendall(data[position : position + 1])
            time.sleep(self._seconds)
        return True


class Cut:
    """End the connection after a number of bytes, by FIN or by a reset."""

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
    """Drop the server's bytes and keep the connection open."""

    def deliver(self, data: bytes, client: socket.socket) -> bool:
        return True


class WithoutLength:
    """Remove the Content-Length of an HTTP reply, and cut the reply inside its body."""

    def __init__(self) -> None:
        self._head_passed = False

    def deliver(self, data: bytes, client: socket.socket) -> bool:
        lines = data.split(b"\r\n")
        client.sendall(b"\r\n".join(line for line in lines if not line.lower().startswith(b"content-length")))
        body = data.partition(b"\r\n\r\n")[2] if not self._head_passed else data
        self._head_passed = True
        return not body


class TcpProxy:
    """Listens on `port` inside the `with` block. Each connection uses one thread per direction."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._faults: deque[Fault] = deque()
        self._open: set[socket.socket] = set()
        self._forwards = threading.Event()
        self._forwards.set()
        self._refuses = False
        self.connections = 0

    @classmethod
    def before(cls, url: str) -> Self:
        """Return a proxy to the server of the URL, which names its port."""
        server = urlsplit(url)
        assert server.hostname is not None, url
        assert server.port is not None, url
        return cls(server.hostname, server.port)

    def url_through(self, url: str) -> str:
        """Return the URL with the proxy in place of its server."""
        parts = urlsplit(url)
        user, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{user}{at}127.0.0.1:{self.port}").geturl()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def inject(self, *faults: Fault) -> None:
        """Apply each fault to one connection, in this order."""
        self._faults.extend(faults)

    def clear(self) -> None:
        """Discard the injected faults that have not been applied."""
        self._faults.clear()

    @contextlib.contextmanager
    def half_open(self) -> Iterator[None]:
        """Accept connections, but forward the clients' bytes only after the block."""
        self._forwards.clear()
        try:
            yield
        finally:
            self._forwards.set()

    def drop_connections(self, *, reset: bool = True) -> None:
        """End all open connections, as the restart of a load balancer would."""
        for connection in tuple(self._open):
            _close(connection, reset=reset)

    @contextlib.contextmanager
    def unreachable(self) -> Iterator[None]:
        """Reset all open and new connections inside the block."""
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
        # Closing alone would not wake the accepting thread.
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
                server = self._connect()
            except OSError:
                _close(client, reset=True)
                continue
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open |= {client, server}
            for pump in (self._requests, self._replies):
                threading.Thread(target=self._pump, args=(pump, client, server), daemon=True).start()

    def _connect(self) -> socket.socket:
        """Connect to the server. Raises OSError."""
        return socket.create_connection(self._target)

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


class Balancer(TcpProxy):
    """Forwards each new connection to the next server on this machine that is ready."""

    def __init__(self, ports: Sequence[int]) -> None:
        super().__init__("127.0.0.1", ports[0])
        self._ports = deque(ports)

    def _connect(self) -> socket.socket:
        for _ in range(len(self._ports)):
            self._ports.rotate()
            if answers(self._ports[0], "/readyz"):
                return socket.create_connection(("127.0.0.1", self._ports[0]))
        raise ConnectionRefusedError("no server is ready")


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
