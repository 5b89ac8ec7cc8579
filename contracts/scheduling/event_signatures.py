"""Signatures of events in the stream: consumers accept what a relay has written, and nothing else.

Every client of Redis could otherwise add an event that is valid in itself. A signature is an HMAC-SHA256 of
the encoded event, with a secret of the relays and the consumers.
"""

import hmac
from collections.abc import Sequence
from typing import Self

from contracts.chassis.settings import Environment, secrets

SETTING = "EVENT_SECRETS"


class EventSecrets:
    """Signs with the first secret, and accepts the signatures of each. During a rotation there are two."""

    def __init__(self, values: Sequence[str]) -> None:
        """Raises ValueError without a secret."""
        if not values:
            raise ValueError("a signature needs a secret")
        self._secrets = [value.encode() for value in values]

    @classmethod
    def from_environment(cls, environment: Environment) -> Self | None:
        """Return the secrets of EVENT_SECRETS; None if it is not set. Raises ConfigError."""
        values = secrets(environment, SETTING)
        return cls(values) if values else None

    def sign(self, event: bytes) -> str:
        """Return the signature of an encoded event."""
        return _signature(self._secrets[0], event)

    def verify(self, event: bytes, signature: bytes) -> bool:
        """Return whether the signature of the encoded event was made with one of the secrets. In constant time."""
        return any(hmac.compare_digest(_signature(secret, event).encode(), signature) for secret in self._secrets)


def _signature(secret: bytes, event: bytes) -> str:
    return hmac.digest(secret, event, "sha256").hex()
