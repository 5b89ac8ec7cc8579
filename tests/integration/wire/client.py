"""A client of the service's HTTP face that can say anything."""

import socket
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import requests

from monolith.modules.scheduling.adapters.tokens import TokenSigner
from tests.contract.port.shop import Caller


class RawClient:
    """Sends sound tokens of one caller with whatever else a test wants to send."""

    def __init__(self, url: str, signer: TokenSigner, caller: Caller) -> None:
        self.url = url
        self._signer = signer
        self._caller = caller
        self._session = requests.Session()
        self._session.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def get(self, path: str, **headers: str) -> requests.Response:
        """A read with a sound token, unless `Authorization` says otherwise; `_` stands for `-` in names."""
        return self._session.get(self.url + path, headers={**self.for_reads(), **_named(headers)}, timeout=10)

    def create_offering(self, body: Any, *, key: str | None = None, **headers: str) -> requests.Response:
        """A write with a sound token. `body` is bytes or an iterable of bytes (sent in chunks), or is sent as JSON."""
        sent = {**self.for_write("create_offering", key or uuid4().hex), **_named(headers)}
        content = {"json": body} if isinstance(body, dict) else {"data": body}
        return self._session.post(f"{self.url}/v1/offerings", headers=sent, timeout=10, **content)

    def for_reads(self) -> dict[str, str]:
        token = self._signer.for_reads(self._caller.business_id, self._caller.actor)
        return {"Authorization": f"Bearer {token}"}

    def for_write(self, operation: str, key: str) -> dict[str, str]:
        token = self._signer.for_write(self._caller.business_id, self._caller.actor, operation, key, 10)
        return {
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": key,
            "Content-Type": "application/json",
        }

    def raw(self, *lines: str, body: bytes = b"") -> tuple[int, bytes]:
        """Exactly these lines of a request; the status and everything that came back until the service hung up."""
        parts = urlsplit(self.url)
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
            connection.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while chunk := connection.recv(65_536):
                received += chunk
        return int(received.split(b" ", 2)[1]), received


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
