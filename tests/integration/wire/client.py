"""A client of the service's HTTP API that can send arbitrary requests."""

import socket
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import requests

from monolith.modules.scheduling.adapters.tokens import TokenSigner
from tests.contract.port.shop import Caller


class RawClient:
    """Sends valid tokens of one caller together with arbitrary content."""

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
        """Send a read with a valid token, unless `Authorization` is given; `_` in names becomes `-`."""
        return self._session.get(self.url + path, headers={**self.for_reads(), **_named(headers)}, timeout=10)

    def create_offering(self, body: Any, *, key: str | None = None, **headers: str) -> requests.Response:
        """Send a write with a valid token. `body` is bytes, an iterable of bytes (chunked), or encoded as JSON."""
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
        """Send exactly these lines; return the status and everything received until the service disconnects."""
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
