"""Who calls, which business is meant, and whether the one may do this in the other."""

import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from flask import Request

from monolith.shared.database import DatabaseUnavailable
from monolith.shared.endpoints.endpoint import Access
from monolith.shared.endpoints.errors import business_not_found, forbidden, unauthenticated
from monolith.shared.endpoints.identity import BusinessRef, Principal, Role
from monolith.shared.middleware.remote_address import Network, remote_address

SESSION_COOKIE = "session"
SLUG = r"^(?!-)(?!.*--)[a-z0-9-]{3,40}(?<!-)$(?!\n)"
"""Hyphens stand between letters or digits, one at a time."""
"""`$` alone would let a line end pass, in Python."""

_slug = re.compile(SLUG)
_ROLES: dict[Access, frozenset[Role]] = {
    Access.MEMBER: frozenset({"owner", "staff", "customer"}),
    Access.STAFF: frozenset({"owner", "staff"}),
    Access.OWNER: frozenset({"owner"}),
}


class Authenticator(Protocol):
    """Each answers None for a credential that is unknown, expired or revoked. Raises DatabaseUnavailable."""

    def by_session(self, secret: str) -> Principal | None: ...

    def by_api_token(self, secret: str) -> Principal | None: ...


class Authorizer:
    """For the JSON API and the pages alike."""

    def __init__(
        self, authenticator: Authenticator, businesses: "BusinessCache", trusted_proxies: Sequence[Network] = ()
    ) -> None:
        self._authenticator = authenticator
        self._businesses = businesses
        self._trusted_proxies = trusted_proxies

    def principal(self, request: Request) -> Principal | None:
        """Who calls; None without a credential or with a dead session. Raises ApiError 401 for a bad token.

        Asks no database when the request carries no credential. A token counts before a cookie.
        """
        authorization = request.environ.get("HTTP_AUTHORIZATION")
        if authorization is not None:
            return self._bearer(authorization)
        if "HTTP_COOKIE" not in request.environ:
            return None
        secret = request.cookies.get(SESSION_COOKIE)
        return self._authenticator.by_session(secret) if secret else None

    def business(self, slug: str) -> BusinessRef:
        """Raises ApiError 404."""
        business = self._businesses.get(slug) if _slug.fullmatch(slug) else None
        if business is None:
            raise business_not_found(slug)
        return business

    def admit(self, access: Access, principal: Principal | None, business: BusinessRef | None) -> None:
        """Raises ApiError 401 or 403 unless `principal` may do what `access` says, in `business`."""
        if access is Access.PUBLIC:
            return
        if principal is None:
            raise unauthenticated()
        if access is Access.OPERATOR and not principal.is_operator:
            raise forbidden("Only operators are allowed to do this.")
        allowed = _ROLES.get(access)
        if allowed is not None and (business is None or principal.role_in(business.business_id) not in allowed):
            raise forbidden()

    def remote_address(self, request: Request) -> str:
        """Where the request came from, as far as it can be trusted."""
        return remote_address(request.environ, self._trusted_proxies)

    def _bearer(self, authorization: str) -> Principal:
        scheme, _, secret = authorization.partition(" ")
        principal = self._authenticator.by_api_token(secret.strip()) if scheme.lower() == "bearer" else None
        if principal is None:
            raise unauthenticated()
        return principal


class BusinessCache:
    """Businesses by slug, remembered for `seconds`, `most` of them at a time.

    What does not exist is not remembered: a business can be used in every process at the moment it is created. While
    the database is away, what was known longer ago still holds.
    """

    def __init__(
        self, find: Callable[[str], BusinessRef | None], *, seconds: float = 5.0, max_entries: int = 10_000
    ) -> None:
        self._find = find
        self._seconds = seconds
        self._max_entries = max_entries
        self._known: dict[str, tuple[float, BusinessRef]] = {}
        self._lock = threading.Lock()

    def get(self, slug: str) -> BusinessRef | None:
        """Raises DatabaseUnavailable."""
        known = self._known.get(slug)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        try:
            business = self._find(slug)
        except DatabaseUnavailable:
            if known is None:
                raise
            return known[1]
        if business is not None:
            self._remember(slug, business)
        return business

    def _remember(self, slug: str, business: BusinessRef) -> None:
        with self._lock:
            self._known.pop(slug, None)
            if len(self._known) >= self._max_entries:
                del self._known[next(iter(self._known))]
            self._known[slug] = (time.monotonic() + self._seconds, business)
