"""Authentication, tenant lookup and authorization."""

import re
from collections.abc import Sequence
from typing import Protocol

from flask import Request

from contracts.chassis.arrival import confirm_tenant
from contracts.chassis.settings import Network
from monolith.shared.endpoints.business_cache import BusinessCache
from monolith.shared.endpoints.cookies import CookieNames, CookieReader
from monolith.shared.endpoints.endpoint import Access
from monolith.shared.endpoints.errors import business_not_found, forbidden, require_session, unauthenticated
from monolith.shared.endpoints.identity import BusinessRef, Principal, Role
from monolith.shared.middleware.remote_address import remote_address
from monolith.shared.middleware.request_context import current_request_context

SLUG = r"^(?!-)(?!.*--)[a-z0-9-]{3,40}(?<!-)$(?!\n)"
"""Single hyphens between letters or digits. `(?!\n)`, because `$` alone also matches before a final newline."""

_slug = re.compile(SLUG)
_ROLES: dict[Access, frozenset[Role]] = {
    Access.MEMBER: frozenset({"owner", "staff", "reader", "customer"}),
    Access.READER: frozenset({"owner", "staff", "reader"}),
    Access.STAFF: frozenset({"owner", "staff"}),
    Access.OWNER: frozenset({"owner"}),
}


class Authenticator(Protocol):
    """Looks up credentials. Methods return None for an unknown, expired or revoked one. Raises DatabaseUnavailable."""

    def by_session(self, secret: str) -> Principal | None: ...

    def by_api_token(self, secret: str) -> Principal | None: ...


class Authorizer:
    """Checks requests of the JSON API and the pages."""

    def __init__(
        self,
        authenticator: Authenticator,
        businesses: BusinessCache,
        trusted_proxies: Sequence[Network] = (),
        *,
        cookies: CookieNames,
    ) -> None:
        self._authenticator = authenticator
        self._businesses = businesses
        self._trusted_proxies = trusted_proxies
        self._session_secret = CookieReader(cookies.session)
        self._device_cookie = CookieReader(cookies.device)

    def principal(self, request: Request) -> Principal | None:
        """Return the caller; None without a credential or with an expired session.

        Raises ApiError 401 for an invalid token, which takes precedence over a cookie. Without a credential, it
        queries no database.
        """
        principal = self._authenticate(request)
        if principal is not None:
            context = current_request_context()
            context.caller, context.confirmed = f"{principal.kind}:{principal.user_id}", principal.confirmed
        return principal

    def business(self, slug: str) -> BusinessRef:
        """Return the business with this slug. Raises ApiError 404."""
        business = self._businesses.get(slug) if _slug.fullmatch(slug) else None
        if business is None:
            raise business_not_found(slug)
        confirm_tenant()
        return business

    def authorize(self, access: Access, principal: Principal | None, business: BusinessRef | None) -> None:
        """Raise ApiError 401 or 403 unless `principal` has `access` in `business`."""
        if access is Access.PUBLIC:
            return
        if principal is None:
            raise unauthenticated()
        if access is Access.SESSION:
            require_session(principal)
        if access is Access.OPERATOR and not principal.is_operator:
            raise forbidden("Only operators are allowed to do this.")
        if access is Access.VIEWER and not (principal.is_operator or principal.is_viewer):
            raise forbidden("Only operators and viewers are allowed to see this.")
        allowed = _ROLES.get(access)
        if allowed is not None and (business is None or principal.role_in(business.business_id) not in allowed):
            raise forbidden()

    def remote_address(self, request: Request) -> str:
        """Return the client's address; forwarded addresses count only from trusted proxies."""
        return remote_address(request.environ, self._trusted_proxies)

    def device_cookie(self, request: Request) -> str:
        """Return the cookie that identifies the device; empty if there is none."""
        return self._device_cookie(request.environ.get("HTTP_COOKIE", ""))

    def _authenticate(self, request: Request) -> Principal | None:
        authorization = request.environ.get("HTTP_AUTHORIZATION")
        if authorization is not None:
            return self._bearer(authorization)
        secret = self._session_secret(request.environ.get("HTTP_COOKIE", ""))
        return self._authenticator.by_session(secret) if secret else None

    def _bearer(self, authorization: str) -> Principal:
        scheme, _, secret = authorization.partition(" ")
        principal = self._authenticator.by_api_token(secret.strip()) if scheme.lower() == "bearer" else None
        if principal is None:
            raise unauthenticated()
        return principal
