"""HTTP exchanges with a hard deadline, even against a peer that sends slowly.

`requests` limits each read only, so a peer that sends a byte now and then can hold a caller indefinitely. Here the
sockets know the deadline of their exchange, and each connect, send and read gets the remaining time. The only exception
is host name resolution, which cannot be interrupted.
"""

import socket
import ssl
from contextvars import ContextVar
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.response import BaseHTTPResponse

from contracts.chassis.deadline import Deadline

CONNECT_TIMEOUT = 1.0
"""Seconds; leaves time for a second attempt if a host does not respond."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    status: int
    content_type: str
    body: bytes


class ExchangeFailed(Exception):
    """No readable reply. Records facts from the socket that exceptions of `requests` do not carry."""

    def __init__(self, cause: BaseException, exchange: "HttpExchange") -> None:
        super().__init__(f"{type(cause).__name__}: {cause}")
        self.sent = exchange.sent
        """Whether part of the request may have reached the peer."""
        self.timed_out = exchange.deadline.expired()
        self.went_stale = exchange.sent and not exchange.connected and not exchange.heard and not self.timed_out
        """Whether the peer had apparently closed a kept-alive connection."""
        self.too_large = isinstance(cause, TooLarge)
        """Whether the peer sent more than the size limit. It works, so this says nothing about its health."""


class Unreadable(Exception):
    """A response without a length, over the size limit, or with a content coding."""


class TooLarge(Unreadable):
    """A response over the size limit."""


@dataclass(slots=True)
class HttpExchange:
    """One request and its reply, as seen by the socket."""

    deadline: Deadline
    connected: bool = False
    sent: bool = False
    heard: bool = False

    def time_left(self) -> float:
        left = self.deadline.remaining()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left


class Transport:
    """A connection pool for one server, without redirects, cookies or proxies from the environment. Thread-safe."""

    def __init__(self, *, pool_size: int, longest_body: int, tls: ssl.SSLContext | None) -> None:
        """Without `tls`, only http:// is supported."""
        self._longest_body = longest_body
        self._session = _Session()
        self._session.adapters.clear()
        self._session.mount("http://" if tls is None else "https://", _Adapter(pool_size, tls))

    def exchange(self, request: requests.PreparedRequest, deadline: Deadline) -> HttpReply:
        """Send a request and read the reply. Raises ExchangeFailed; a failed connection is not reused."""
        exchange = HttpExchange(deadline)
        token = _current.set(exchange)
        try:
            return self._read(self._session.send(request, stream=True, proxies={}))
        except Exception as error:  # classified by the recorded facts, not by exception type
            raise ExchangeFailed(error, exchange) from error
        finally:
            _current.reset(token)

    def close(self) -> None:
        self._session.close()

    def _read(self, response: requests.Response) -> HttpReply:
        raw: BaseHTTPResponse = response.raw
        try:
            body = _body(raw, self._longest_body)
        except BaseException:
            raw.close()
            raise
        return HttpReply(response.status_code, response.headers.get("Content-Type", ""), body)


def _body(raw: Any, longest: int) -> bytes:
    """Read the complete body; raises if it ends before its length or its last chunk."""
    length: int | None = raw.length_remaining
    if raw.headers.get("Content-Encoding", "identity") != "identity":
        raise Unreadable("the reply is compressed")
    if length is None and not raw.chunked:
        raise Unreadable("the reply has no length")
    if (length or 0) > longest:
        raise TooLarge(f"the reply has more than {longest} bytes")
    body: bytes = raw.read(longest + 1 if length is None else length)
    if len(body) > longest:
        raise TooLarge(f"the reply has more than {longest} bytes")
    return body


_current: ContextVar[HttpExchange] = ContextVar("exchange")


class _DeadlineSocket(socket.socket):
    """A socket that limits each operation to the time left in the current exchange and records its progress."""

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        exchange = _current.get()
        self.settimeout(exchange.time_left())
        exchange.sent = True
        super().sendall(data, flags)

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        exchange = _current.get()
        self.settimeout(exchange.time_left())
        received = super().recv_into(buffer, nbytes or 0, flags)
        exchange.heard = exchange.heard or received > 0
        return received


class _TlsSocket(_DeadlineSocket, ssl.SSLSocket):
    pass


def _connect(connection: HTTPConnection) -> socket.socket:
    exchange = _current.get()
    exchange.connected = True
    failure: OSError = OSError("the host name resolves to no address")
    try:
        addresses = socket.getaddrinfo(connection.host, connection.port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, address in addresses:
            opened = _DeadlineSocket(family, kind, protocol)
            try:
                opened.settimeout(min(exchange.time_left(), CONNECT_TIMEOUT))
                opened.connect(address)
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return opened
            except OSError as error:
                opened.close()
                failure = error
    except OSError as error:
        failure = error
    raise NewConnectionError(connection, f"cannot connect: {failure}") from failure


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    def __init__(self, pool_size: int, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        super().__init__(pool_connections=1, pool_maxsize=pool_size, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        if self._tls is not None:
            self._tls.sslsocket_class = _TlsSocket
            options["ssl_context"] = self._tls
        super().init_poolmanager(connections, maxsize, block, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Do nothing, so that `requests` does not add the public certificate authorities to the TLS context."""


class _Session(requests.Session):
    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None, because `requests` would otherwise read the body of a redirect, without a size limit."""
