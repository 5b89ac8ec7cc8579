"""Authentication from recent results while the monolith's database is unavailable.

An outage of the monolith's database must not stop bookings of businesses in the scheduling database. Credentials cannot
be revoked during the outage. One that another process ended shortly before it (a session, an API token, a role), and a
session that ended because its user has twenty newer ones, may be accepted for up to `seconds` after this process last
checked it. Writes to accounts and invoices need the database and fail anyway.
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

    def forget(self, ended: UUID) -> None:
        """Drop what has ended in this process, so that it is not accepted during an outage.

        That is: a session, an API token, all credentials of a user, or all API tokens of a business, by its id.
        """
        with self._lock:
            for key in [key for key, (_, seen) in self._seen.items() if _is_of(seen, ended)]:
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


def _is_of(seen: Principal, ended: UUID) -> bool:
    return ended in (seen.session_id, seen.user_id) or (seen.kind == "token" and ended in seen.roles)
