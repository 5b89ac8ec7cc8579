"""Authentication from recent results while the monolith's database is unavailable.

An outage of the monolith's database must not stop bookings of businesses in the scheduling database. Credentials cannot
be revoked during the outage; one that another process revoked shortly before it may be accepted for up to `seconds`
after this process last checked it. Writes to accounts and invoices need the database and fail anyway.
"""

import time
from collections.abc import Callable
from hashlib import sha256
from threading import Lock
from uuid import UUID

from monolith.shared.database import DatabaseUnavailable
from monolith.shared.endpoints.authorizer import Authenticator
from monolith.shared.endpoints.identity import Principal

Lookup = Callable[[str], Principal | None]


class FallbackAuthenticator:
    """Delegates to another authenticator, and falls back on its recent results while that is unavailable.

    Raises DatabaseUnavailable if a credential has not been seen in the last `seconds`. Operators are never
    authenticated from memory. Thread-safe.
    """

    def __init__(self, authenticator: Authenticator, *, seconds: float = 600.0, max_entries: int = 10_000) -> None:
        self._authenticator = authenticator
        self._seconds = seconds
        self._max_entries = max_entries
        self._seen: dict[bytes, tuple[float, Principal]] = {}
        self._lock = Lock()

    def by_session(self, secret: str) -> Principal | None:
        return self._authenticate(b"session", secret, self._authenticator.by_session)

    def by_api_token(self, secret: str) -> Principal | None:
        return self._authenticate(b"token", secret, self._authenticator.by_api_token)

    def forget_session(self, session_id: UUID) -> None:
        """Drop a session after its logout, so that it is not accepted during an outage."""
        with self._lock:
            for key in [key for key, (_, seen) in self._seen.items() if seen.session_id == session_id]:
                del self._seen[key]

    def _authenticate(self, kind: bytes, secret: str, lookup: Lookup) -> Principal | None:
        key = sha256(kind + secret.encode(errors="replace")).digest()
        try:
            principal = lookup(secret)
        except DatabaseUnavailable:
            recent = self._recent(key)
            if recent is None:
                raise
            return recent
        self._store(key, principal)
        return principal

    def _recent(self, key: bytes) -> Principal | None:
        seen = self._seen.get(key)
        return seen[1] if seen is not None and time.monotonic() < seen[0] else None

    def _store(self, key: bytes, principal: Principal | None) -> None:
        with self._lock:
            self._seen.pop(key, None)
            if principal is None or principal.is_operator or principal.is_viewer:
                return
            if len(self._seen) >= self._max_entries:
                del self._seen[next(iter(self._seen))]
            self._seen[key] = (time.monotonic() + self._seconds, principal)
