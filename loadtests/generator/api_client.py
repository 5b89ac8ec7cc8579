"""A client of the product's JSON API with a session of its own."""

import secrets
from typing import Any

import requests

TIMEOUT_SECONDS = 30.0


class LoadError(Exception):
    """The load cannot be generated; the message is one line with the cause and the remedy."""


class ApiClient:
    """Keeps the session cookie. Not thread-safe."""

    def __init__(self, host: str) -> None:
        self._root = f"{host}/api/v1"
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def cookie(self) -> str:
        """The value of the Cookie header."""
        return "; ".join(f"{name}={value}" for name, value in self._session.cookies.items())

    def call(self, method: str, path: str, body: object = None, key: str | None = None) -> dict[str, Any]:
        """Send a request and return the decoded response.

        Sends `key`, or a new one, as the idempotency key. Raises LoadError without a response and for an error status.
        """
        headers = {"Idempotency-Key": key or secrets.token_hex(16)}
        try:
            answer = self._session.request(
                method, self._root + path, json=body, headers=headers, timeout=TIMEOUT_SECONDS
            )
        except requests.RequestException as error:
            raise LoadError(
                f"{self._root} does not respond ({type(error).__name__}): start it with `make demo`"
            ) from error
        if not answer.ok:
            raise LoadError(f"{method} {path} failed with status {answer.status_code}: {answer.text[:200]}")
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found
