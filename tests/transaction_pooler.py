"""A transaction pooler for Postgres: each transaction of a client runs in another server session.

It does what PgBouncer 1.22 or newer does in transaction mode: it answers the start-up itself, refuses start-up
parameters that it does not know, and follows named prepared statements from one session to the next. In place of the
most recently used session, a transaction gets one that its client has not just used.
"""

import contextlib
import itertools
import os
import secrets
import selectors
import socket
import struct
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import psycopg

from tests.postgres_messages import Message, Stream

SESSIONS = 4
_SSL_REQUEST, _GSS_REQUEST, _CANCEL_REQUEST = 80877103, 80877104, 80877102
_KNOWN = {"user", "database", "client_encoding", "datestyle", "timezone", "standard_conforming_strings"}
_KNOWN |= {"application_name"}


@dataclass(eq=False)
class Session:
    """A server session, opened and authenticated by psycopg. `prepared` are the statements that it has."""

    connection: psycopg.Connection
    prepared: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.stream = Stream(socket.socket(fileno=os.dup(self.connection.fileno())))
        self.stream.socket.setblocking(True)


class Pool:
    """The server sessions of one role. `transactions` counts them by the server process that executed them."""

    def __init__(self, url: str) -> None:
        self.sessions = [Session(psycopg.connect(url, autocommit=True)) for _ in range(SESSIONS)]
        self.transactions: Counter[int] = Counter()
        self._idle = deque(self.sessions)
        self._returned = threading.Condition()

    def acquire(self, last: Session | None) -> Session:
        """Return an idle session, another one than the client's last."""
        with self._returned:
            self._returned.wait_for(lambda: any(each is not last for each in self._idle))
            found = next(each for each in self._idle if each is not last)
            self._idle.remove(found)
            self.transactions[found.connection.info.backend_pid] += 1
            return found

    def release(self, session: Session) -> None:
        with self._returned:
            self._idle.append(session)
            self._returned.notify_all()


class TransactionPooler:
    """Listens on `port` inside the `with` block. `url_of` returns the URL with the credentials of a role."""

    def __init__(self, url_of: Callable[[str], str]) -> None:
        self._url_of = url_of
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self.pools: dict[str, Pool] = {}
        """By role."""

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="pooler", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for session in (each for pool in self.pools.values() for each in pool.sessions):
            with contextlib.suppress(OSError):
                session.stream.socket.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            stream = Stream(connection)
            role = _start_up(stream)
            if role is not None:
                _Client(self._pool(role), stream).run()

    def _pool(self, role: str) -> Pool:
        with self._lock:
            if role not in self.pools:
                self.pools[role] = Pool(self._url_of(role))
            return self.pools[role]


def _start_up(client: Stream) -> str | None:
    """Answer a client's start-up as a pooler does, with a process id that no server process has; return its role."""
    body = client.read_start_up()
    while struct.unpack_from("!I", body)[0] in (_SSL_REQUEST, _GSS_REQUEST):
        client.socket.sendall(b"N")
        body = client.read_start_up()
    if struct.unpack_from("!I", body)[0] == _CANCEL_REQUEST:
        return None
    words = body[4:].rstrip(b"\0").decode().split("\0")
    parameters = dict(zip(words[::2], words[1::2], strict=True))
    unknown = [name for name in parameters if name.lower() not in _KNOWN]
    if unknown:
        text = f"unsupported startup parameter: {unknown[0]}"
        client.send(Message(b"E", f"SFATAL\0VFATAL\0C08P01\0M{text}\0\0".encode()))
        return None
    status = {"server_version": "18.0", "client_encoding": "UTF8", "integer_datetimes": "on", "TimeZone": "UTC"}
    client.send(
        Message(b"R", struct.pack("!I", 0)),
        *(_status(status)),
        Message(b"K", struct.pack("!II", 0x7FFF0000 + secrets.randbelow(1000), secrets.randbits(31))),
        Message(b"Z", b"I"),
    )
    return parameters["user"]


def _status(values: Mapping[str, str]) -> Iterator[Message]:
    for name, value in values.items():
        yield Message(b"S", f"{name}\0{value}\0".encode())


class _Client:
    """One client connection. `_expected` are the preparations and ends of round trips that were not answered yet."""

    _numbers = itertools.count()

    def __init__(self, pool: Pool, stream: Stream) -> None:
        self._pool = pool
        self._stream = stream
        self._session: Session | None = None
        self._last: Session | None = None
        self._statements: dict[bytes, tuple[bytes, bytes]] = {}
        self._expected: deque[_Expected] = deque()

    def run(self) -> None:
        """Forward messages until the client leaves; its open transaction is rolled back."""
        try:
            while True:
                self._forward_once()
        finally:
            if self._session is not None:
                self._abandon(self._session)

    def _forward_once(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._stream.socket, selectors.EVENT_READ, True)
            if self._session is not None:
                selector.register(self._session.stream.socket, selectors.EVENT_READ, False)
            ready = [key.data for key, _ in selector.select()]
        if False in ready and self._session is not None:
            for message in self._session.stream.read():
                self._answer(self._session, message)
        if True in ready:
            for message in self._stream.read():
                self._request(message)

    def _request(self, message: Message) -> None:
        if message.kind == b"X":
            raise ConnectionError
        if message == (b"Q", b"DEALLOCATE ALL\0"):
            self._statements.clear()
            self._stream.send(Message(b"C", b"DEALLOCATE ALL\0"), Message(b"Z", b"T" if self._session else b"I"))
            return
        if self._session is None:
            self._session = self._pool.acquire(self._last)
        if message.kind in (b"Q", b"S"):
            self._expected.append(_Expected(None, is_own=False))
        self._session.stream.send(*self._renamed(self._session, message))

    def _renamed(self, session: Session, message: Message) -> list[Message]:
        """Return the message with the pooler's name of its statement, after a preparation if the session needs one."""
        kind, body = message
        if kind == b"P" and not body.startswith(b"\0"):
            name, _, rest = body.partition(b"\0")
            self._statements[name] = (b"pooled_%d" % next(self._numbers), rest)
            return [self._prepare(session, self._statements[name], is_own=False)]
        prefix, name, rest = _reference(message)
        if not name:
            if kind == b"P":
                self._expected.append(_Expected(b"", is_own=False))
            return [message]
        statement = self._statements[name]
        renamed = Message(kind, prefix + statement[0] + b"\0" + rest)
        if kind == b"C":
            del self._statements[name]
            session.prepared.discard(statement[0])
        elif statement[0] not in session.prepared:
            return [self._prepare(session, statement, is_own=True), renamed]
        return [renamed]

    def _prepare(self, session: Session, statement: tuple[bytes, bytes], *, is_own: bool) -> Message:
        name, rest = statement
        session.prepared.add(name)
        self._expected.append(_Expected(name, is_own))
        return Message(b"P", name + b"\0" + rest)

    def _answer(self, session: Session, message: Message) -> None:
        if message.kind == b"1":
            if self._expected.popleft().is_own:
                return
        elif message.kind == b"Z":
            self._end_round_trip(session)
        self._stream.send(message)
        if message == (b"Z", b"I") and not self._expected:
            self._session, self._last = None, session
            self._pool.release(session)

    def _end_round_trip(self, session: Session) -> None:
        """Forget the preparations that were skipped after an error."""
        while (skipped := self._expected.popleft()).name is not None:
            session.prepared.discard(skipped.name)

    def _abandon(self, session: Session) -> None:
        """Roll back what the client left open, and return the session."""
        session.stream.send(Message(b"S", b""), Message(b"Q", b"ROLLBACK\0"))
        ends = 2 + sum(each.name is None for each in self._expected)
        while ends:
            ends -= sum(message.kind == b"Z" for message in session.stream.read())
        self._pool.release(session)


class _Expected(NamedTuple):
    """The answer to a preparation of the pooler's own or of the client; without a name, the end of a round trip."""

    name: bytes | None
    is_own: bool


def _reference(message: Message) -> tuple[bytes, bytes, bytes]:
    """Split the body of a message around the name of the prepared statement to which it refers."""
    kind, body = message
    if kind == b"B":
        portal, _, following = body.partition(b"\0")
        name, _, rest = following.partition(b"\0")
        return portal + b"\0", name, rest
    if kind in (b"D", b"C") and body[:1] == b"S":
        return b"S", body[1:].rstrip(b"\0"), b""
    return b"", b"", body
