"""The modules that an operator's tools need, composed without the rest of the product."""

from collections.abc import Mapping

import msgspec

from contracts.chassis.credentials import signing_secrets
from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import Trace
from monolith.modules.auth import module as auth
from monolith.modules.auth.api import AuthApi, OpeningFailed, OperatorRole, UserRef
from monolith.modules.auth.models import SignUp
from monolith.modules.auth.origin import Origin
from monolith.modules.billing import module as billing
from monolith.modules.billing.api import BillingApi
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import BusinessRef
from monolith.shared.flags.store import FlagStore


class OperatorRoles:
    """Grants and revokes the roles of the operator console. Every change is audited as by `actor`."""

    def __init__(self, accounts: AuthApi, log: FlagStore) -> None:
        self._accounts, self._log = accounts, log

    def grant(
        self,
        email: str,
        role: OperatorRole,
        *,
        actor: str,
        reason: str,
        name: str | None = None,
        password: str | None = None,
    ) -> UserRef:
        """See `AuthApi.grant_operator_role`. Repeating it is audited again."""
        user = self._accounts.grant_operator_role(email, role, name=name, password=password)
        self._log.record("operator.granted", _subject(user), actor=actor, reason=reason, details=role)
        return user

    def revoke(self, email: str, *, actor: str, reason: str) -> UserRef:
        """See `AuthApi.revoke_operator_role`. Only a role that is taken is audited."""
        user = self._accounts.revoke_operator_role(email)
        self._log.record("operator.revoked", _subject(user), actor=actor, reason=reason)
        return user


def operators_auth(url: str, secret: str) -> AuthApi:
    """Return auth's API, for commands."""
    return _commands_auth(url, secret).api


def register_business(url: str, secret: str, details: Mapping[str, str], *, key: str) -> BusinessRef:
    """Store a business and its owner without opening it in scheduling, and return it.

    A sign-up through the public API with the same key and the same `details` opens it, in the database that the routing
    table names by then. Idempotent. Raises ApiError and DatabaseUnavailable.
    """
    body = msgspec.convert(details, SignUp)
    return _commands_auth(url, secret).sign_ups.register(body, key=key, origin=Origin("127.0.0.1"))


def _commands_auth(url: str, secret: str) -> auth.Auth:
    database = ModuleDatabase(url, role=auth.ROLE, secret=secret, pool_size=1)
    return console_auth(database, "http://localhost", secret)


def console_auth(database: ModuleDatabase, public_url: str, secret: str) -> auth.Auth:
    """Return auth for tools of operators. They sign up no business, so it has no scheduling."""
    return auth.build_auth(
        database,
        open_scheduling=_no_scheduling,
        update_scheduling=_no_scheduling,
        public_url=public_url,
        cookie_secrets=signing_secrets(secret, auth.ROLE),
    )


def operators_billing(url: str, secret: str) -> BillingApi:
    """Return billing's API, for commands that verify invoices."""
    return billing.build_billing(ModuleDatabase(url, role=billing.APP_ROLE, secret=secret, pool_size=1)).api


def _subject(user: UserRef) -> str:
    return f"account:{user.email}"


def _no_scheduling(business: BusinessRef, trace: Trace, deadline: Deadline) -> None:
    raise OpeningFailed(f"{business.slug} cannot be opened from here.")
