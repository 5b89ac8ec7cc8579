"""Authentication and authorization: viewers read, operators change, and every denial is audited."""

import logging
import time
from hashlib import sha256
from threading import Lock
from typing import NamedTuple

from flask import Request, g, request

from contracts.chassis.settings import Network
from monolith.modules.auth.api import AuthApi
from monolith.modules.auth.origin import Origin
from monolith.shared.database import CommitUnknown, DatabaseUnavailable
from monolith.shared.endpoints import ApiError, BusinessRef, Principal
from monolith.shared.endpoints.authorizer import Authenticator, Authorizer
from monolith.shared.endpoints.business_cache import BusinessCache
from monolith.shared.endpoints.cookies import CookieNames
from monolith.shared.endpoints.endpoint import Access
from monolith.shared.endpoints.errors import unauthenticated
from monolith.shared.flags.store import FlagStore
from monolith.shared.middleware.denials import DenialBounds, audited_path

log = logging.getLogger("console.access")

COOKIE_LABEL = "ops_"
"""Not the product's: browsers send cookies to every port of a host, and both may run on one."""
_REMEMBERED_SECONDS = 600.0
_MAX_REMEMBERED = 200


class Operator(NamedTuple):
    """A person with a role. `fresh` is true for 15 minutes after the password was entered."""

    principal: Principal
    name: str
    email: str

    @property
    def actor(self) -> str:
        """The person as the audit log names them."""
        return f"operator:{self.email}"

    @property
    def may_change(self) -> bool:
        return self.principal.is_operator

    @property
    def fresh(self) -> bool:
        return self.principal.fresh_login


class RecentSessions:
    """Sessions of operators. While the monolith's database is unavailable, a recent one may read but not change.

    Raises DatabaseUnavailable for a session that was not seen in the last ten minutes. Thread-safe.
    """

    def __init__(self, sessions: Authenticator, accounts: AuthApi) -> None:
        self._sessions, self._accounts = sessions, accounts
        self._seen: dict[bytes, tuple[float, Operator]] = {}
        self._lock = Lock()

    def find(self, secret: str) -> Operator | None:
        """Return the person; None for an unknown or expired session."""
        key = sha256(secret.encode(errors="replace")).digest()
        try:
            found = self._look_up(secret)
        except DatabaseUnavailable:
            seen = self._seen.get(key)
            if seen is None or time.monotonic() > seen[0]:
                raise
            return seen[1]
        self._remember(key, found)
        return found

    def _look_up(self, secret: str) -> Operator | None:
        principal = self._sessions.by_session(secret)
        user = None if principal is None else self._accounts.user(principal.user_id)
        return None if principal is None or user is None else Operator(principal, user.name, user.email)

    def _remember(self, key: bytes, found: Operator | None) -> None:
        with self._lock:
            self._seen.pop(key, None)
            if found is None or not (found.principal.is_operator or found.principal.is_viewer):
                return
            if len(self._seen) >= _MAX_REMEMBERED:
                del self._seen[next(iter(self._seen))]
            was = found.principal
            viewer = Principal(was.user_id, was.kind, {}, session_id=was.session_id, is_viewer=True)
            self._seen[key] = time.monotonic() + _REMEMBERED_SECONDS, found._replace(principal=viewer)


class ConsoleAuthorizer(Authorizer):
    """Checks requests of the console: a session in its own cookie, or as a bearer token for programs."""

    def __init__(
        self,
        sessions: Authenticator,
        accounts: AuthApi,
        audit: FlagStore,
        trusted_proxies: tuple[Network, ...] = (),
        *,
        cookies: CookieNames,
    ) -> None:
        super().__init__(sessions, BusinessCache(accounts.business_by_slug), trusted_proxies, cookies=cookies)
        self._recent = RecentSessions(sessions, accounts)
        self._denials = DenialBounds()
        self._audit = audit

    def operator(self) -> Operator | None:
        """Return the operator or viewer of this request; None without a valid session."""
        if "operator" not in g:
            secret = self._secret(request)
            g.operator = self._recent.find(secret) if secret else None
        found: Operator | None = g.operator
        return found

    def require(self, access: Access) -> Operator:
        """Return the operator or viewer of this request. Raises ApiError 401 or 403; the latter is audited."""
        operator = self.operator()
        self.authorize(access, operator.principal if operator else None, None)
        if operator is None:
            raise unauthenticated()
        return operator

    def principal(self, request: Request) -> Principal | None:
        operator = self.operator()
        return operator.principal if operator else None

    def authorize(self, access: Access, principal: Principal | None, business: BusinessRef | None) -> None:
        """Check the role, and for a change that the password was entered within the last 15 minutes."""
        try:
            super().authorize(access, principal, business)
            is_change = request.method not in ("GET", "HEAD")
            if access is Access.OPERATOR and is_change and principal is not None and not principal.fresh_login:
                raise ApiError(
                    403, "sign_in_again", "Sign in again: a change needs your password of the last 15 minutes."
                )
        except ApiError as error:
            if error.status == 403:
                self.record_denial(error.message)
            raise

    def record_denial(self, reason: str) -> None:
        """Audit that this request was denied: a bounded number of times for each account, or network address."""
        operator = self.operator()
        actor = operator.actor if operator else "unknown"
        unrecorded = self._denials.admit(actor if operator else self.remote_address(request))
        if unrecorded is None:
            return
        try:
            self._audit.record(
                "console.denied",
                f"{request.method} {audited_path(request.path)}",
                actor=actor,
                reason=reason[:200],
                details={"unrecorded": unrecorded} if unrecorded else None,
            )
        except (DatabaseUnavailable, CommitUnknown):
            log.warning("the denial of %s %s to %s could not be audited", request.method, request.path, actor)

    def origin(self, request: Request) -> Origin:
        """Return the origin of a request that signs in."""
        return Origin(
            self.remote_address(request), request.environ.get("HTTP_USER_AGENT", ""), self.device_cookie(request)
        )

    def _secret(self, request: Request) -> str | None:
        """Return the secret of the session. With an Authorization header, the cookie is ignored.

        A form of another site can make a browser send that header, and the check of cross-site requests exempts it.
        """
        authorization = request.environ.get("HTTP_AUTHORIZATION")
        if authorization is not None:
            scheme, _, token = authorization.partition(" ")
            return str(token.strip()) if scheme.lower() == "bearer" else None
        return self._session_secret(request.environ.get("HTTP_COOKIE", "")) or None
