"""Who a credential belonged to a moment ago, for when the database of accounts cannot be reached.

Bookings of a business that scheduling's own database holds need nothing else of the monolith's, so its outage must not
stop them. Nobody can revoke anything while it lasts; what was revoked before it, elsewhere, may still be believed here
for `seconds` after this process last looked. Writes of accounts and money need that database and fail by themselves.
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
    """An authenticator that asks the real one, and remembers its answer in case it cannot answer the next time.

    Raises DatabaseUnavailable for a credential that it never saw, or saw longer than `seconds` ago. Operators are not
    believed from memory.
    """

    def __init__(self, authenticator: Authenticator, *, seconds: float = 600.0, max_entries: int = 10_000) -> None:
        self._authenticator = authenticator
        self._seconds = seconds
        self._max_entries = max_entries
        self._seen: dict[bytes, tuple[float, Principal]] = {}
        self._lock = Lock()

    def by_session(self, secret: str) -> Principal | None:
        return self._ask(b"session", secret, self._authenticator.by_session)

    def by_api_token(self, secret: str) -> Principal | None:
        return self._ask(b"token", secret, self._authenticator.by_api_token)

    def forget_session(self, session_id: UUID) -> None:
        """Its person signed out here: not even an outage brings the session back."""
        with self._lock:
            for name in [name for name, (_, known) in self._seen.items() if known.session_id == session_id]:
                del self._seen[name]

    def _ask(self, kind: bytes, secret: str, lookup: Lookup) -> Principal | None:
        name = sha256(kind + secret.encode(errors="replace")).digest()
        try:
            principal = lookup(secret)
        except DatabaseUnavailable:
            recalled = self._recalled(name)
            if recalled is None:
                raise
            return recalled
        self._remember(name, principal)
        return principal

    def _recalled(self, name: bytes) -> Principal | None:
        known = self._seen.get(name)
        return known[1] if known is not None and time.monotonic() < known[0] else None

    def _remember(self, name: bytes, principal: Principal | None) -> None:
        with self._lock:
            self._seen.pop(name, None)
            if principal is None or principal.is_operator:
                return
            if len(self._seen) >= self._max_entries:
                del self._seen[next(iter(self._seen))]
            self._seen[name] = (time.monotonic() + self._seconds, principal)
