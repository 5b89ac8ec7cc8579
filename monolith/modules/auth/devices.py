"""Devices on which a user has signed in before. Strangers cannot keep such a device from signing in.

The sign-in throttle counts attempts from a known device separately: an attack on an account, or from behind the same
network address, therefore does not lock its owner out (the "device cookie" pattern of OWASP). A cookie names one
account, and does not replace the password; guesses with a cookie are limited too. It ends with the password, because
whoever knew the old one may have collected cookies to guess the new one.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from itsdangerous import BadData, URLSafeTimedSerializer

SECONDS = 180 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device by its random id, the account that signed in on it, and a mark of the password at that time."""

    device_id: str
    user_id: UUID
    password_mark: str


class Devices:
    """Issues and recognizes device cookies, which are signed and stored nowhere. Thread-safe.

    The last of `signing_secrets` signs; cookies that the others have signed are recognized.
    """

    def __init__(self, signing_secrets: Sequence[str]) -> None:
        self._serializer = URLSafeTimedSerializer(
            list(signing_secrets),
            salt="device",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def issue(self, user_id: UUID, password_hash: str) -> str:
        """Return a cookie for a device on which the user has just signed in."""
        return self._serializer.dumps([secrets.token_urlsafe(12), user_id.hex, password_mark(password_hash)])

    def recognize(self, cookie: str) -> KnownDevice | None:
        """Return the device of a cookie; None if it is forged or older than `SECONDS`."""
        if not cookie:
            return None
        try:
            device_id, user_id, mark = self._serializer.loads(cookie, max_age=SECONDS)
            return KnownDevice(device_id, UUID(hex=user_id), mark)
        except (BadData, ValueError, TypeError):
            return None


def password_mark(password_hash: str) -> str:
    """Return a mark that differs for each password. It reveals nothing: the salt of the hash is secret."""
    return hashlib.sha256(password_hash.encode()).hexdigest()[:16]
