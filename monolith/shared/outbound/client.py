"""The client: one request on a connection of its own, to an address that was checked."""

import http.client
import queue
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import SplitResult, urljoin

from contracts.chassis.deadline import Deadline
from monolith.shared.localization import N_
from monolith.shared.outbound.addresses import AddressRefused, AddressRule, parts_of

MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_AGENT = "extraction"


@dataclass(frozen=True, slots=True)
class OutboundReply:
    """A reply, whatever its status. Header names are lowercase."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class OutboundFailed(Exception):
    """No reply within the limits; the message says why, fit for the user who entered the address."""


class OutboundClient:
    """Thread-safe; keeps no connections. `rule` decides about addresses."""

    def __init__(self, rule: AddressRule) -> None:
        self._rule = rule

    def get(self, url: str, *, seconds: float, most_bytes: int) -> OutboundReply:
        """Return the reply to a GET, after at most three redirects.

        `seconds` limits everything together. Raises AddressRefused, and OutboundFailed also for a longer body.
        """
        deadline = Deadline.after(seconds)
        for _ in range(MOST_REDIRECTS + 1):
            reply = self._exchange("GET", url, {}, None, deadline, most_bytes)
            if reply.status not in _REDIRECTS or "location" not in reply.headers:
                return reply
            url = _redirected(url, reply.headers["location"])
        raise OutboundFailed(N_("The host redirects more than %(number)s times.") % {"number": MOST_REDIRECTS})

    def post(self, url: str, body: bytes, headers: Mapping[str, str], *, seconds: float) -> OutboundReply:
        """Return the reply to a POST, without its body and without following redirects. Raises as `get` does."""
        return self._exchange("POST", url, headers, body, Deadline.after(seconds), None)

    def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        deadline: Deadline,
        most_bytes: int | None,
    ) -> OutboundReply:
        parts = parts_of(url)
        try:
            with self._connect(parts, deadline) as opened:
                connection = self._connection(parts, opened)
                target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                connection.request(method, target, body, {"User-Agent": _AGENT, **headers})
                response = connection.getresponse()
                found = {name.lower(): value for name, value in response.getheaders()}
                content = b"" if most_bytes is None or response.status in _REDIRECTS else _read(response, most_bytes)
                return OutboundReply(response.status, found, content)
        except TimeoutError:
            raise OutboundFailed(N_("The host did not answer in time.")) from None
        except ssl.SSLError as error:
            raise OutboundFailed(f"The connection to the host is not secure: {error.reason or error}.") from error
        except ConnectionRefusedError as error:
            raise OutboundFailed(N_("The host cannot be reached: it refused the connection.")) from error
        except http.client.HTTPException as error:
            raise OutboundFailed(N_("The host did not answer as a web server does.")) from error
        except OSError as error:
            raise OutboundFailed(N_("The host cannot be reached.")) from error

    def _connect(self, parts: SplitResult, deadline: Deadline) -> socket.socket:
        host, secure = parts.hostname or "", parts.scheme == "https"
        found = _addresses(host, parts.port or (443 if secure else 80), deadline)
        for *_, address in found:
            self._rule.require_allowed(str(address[0]))
        opened = _open(found, deadline)
        if not secure:
            return opened
        try:
            opened.settimeout(_left(deadline))
            wrapped = self._tls.wrap_socket(opened, server_hostname=host)
        except BaseException:
            opened.close()
            raise
        assert isinstance(wrapped, _TlsSocket)
        wrapped.deadline = deadline
        return wrapped

    def _connection(self, parts: SplitResult, opened: socket.socket) -> http.client.HTTPConnection:
        host = parts.hostname or ""
        if parts.scheme == "https":
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(host, parts.port, context=self._tls)
        else:
            connection = http.client.HTTPConnection(host, parts.port)
        connection.sock = opened  # so that it does not connect by itself
        return connection

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.sslsocket_class = _TlsSocket
        return context


class _DeadlineSocket(socket.socket):
    """A socket that limits each operation to the time left, even against a peer that sends slowly."""

    deadline: Deadline

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        self.settimeout(_left(self.deadline))
        super().sendall(data, flags)

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        self.settimeout(_left(self.deadline))
        return super().recv_into(buffer, nbytes or 0, flags)


class _TlsSocket(_DeadlineSocket, ssl.SSLSocket):
    pass


def _redirected(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise AddressRefused(N_("The web address is malformed.")) from None


def _read(response: http.client.HTTPResponse, most_bytes: int) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise OutboundFailed(N_("The host sent a compressed reply, although none was requested."))
    content = response.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise OutboundFailed(N_("The host sent more than %(number)s kB.") % {"number": most_bytes // 1024})
    return content


def _addresses(host: str, port: int, deadline: Deadline) -> list[tuple[Any, ...]]:
    """Resolve a host name in a thread, because that cannot be interrupted."""
    answers: queue.SimpleQueue[list[tuple[Any, ...]] | OSError | UnicodeError] = queue.SimpleQueue()

    def resolve() -> None:
        try:
            answers.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=resolve, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=_left(deadline))
    except queue.Empty:
        raise TimeoutError from None
    if not isinstance(answer, list):
        raise OutboundFailed(N_("The host name of the web address is unknown.")) from answer
    return answer


def _open(addresses: list[tuple[Any, ...]], deadline: Deadline) -> socket.socket:
    failure: OSError = OSError("no address")
    for position, (family, kind, protocol, _, address) in enumerate(addresses):
        opened = _DeadlineSocket(family, kind, protocol)
        opened.deadline = deadline
        try:
            # Leaves time for the other addresses, if one does not answer.
            opened.settimeout(_left(deadline) / (len(addresses) - position))
            opened.connect(address)
            return opened
        except OSError as error:
            opened.close()
            failure = error
    raise failure


def _left(deadline: Deadline) -> float:
    left = deadline.remaining()
    if left <= 0:
        raise TimeoutError
    return left
