"""The endpoints for signing up, in and out, and for the public data of a business."""

from dataclasses import dataclass
from typing import Any

from monolith.modules.auth import models
from monolith.modules.auth.accounts import AccountDetails, Accounts
from monolith.modules.auth.calls import origin_of, require_user, user_reply
from monolith.modules.auth.cookie import Cookies
from monolith.modules.auth.directory import Directory
from monolith.modules.auth.sessions import NewSession, Sessions
from monolith.modules.auth.sign_up import SignUps
from monolith.shared.endpoints import Access, AnyEndpoint, ApiError, Call, Endpoint, Principal

MODULE = "auth"


@dataclass(frozen=True, slots=True)
class Services:
    """The services that the handlers use."""

    sign_ups: SignUps
    sessions: Sessions
    accounts: Accounts
    directory: Directory
    cookies: Cookies


def endpoints(services: Services) -> list[AnyEndpoint]:
    handlers = Handlers(services)
    return [*_user_endpoints(handlers), *_business_endpoints(handlers)]


def _user_endpoints(handlers: "Handlers") -> list[AnyEndpoint]:
    return [
        Endpoint(
            module=MODULE, name="sign_up", method="POST", path="/signup", access=Access.PUBLIC, needs_key=True,
            handler=handlers.sign_up, body=models.SignUp, reply=models.SignedUp, status=201,
            summary="Sign up a business and its owner, and sign the owner in",
            errors=[
                (409, "slug_taken"), (429, "too_many_attempts"), (503, "set_up_unfinished"),
            ],
        ),
        Endpoint(
            module=MODULE, name="login", method="POST", path="/login", access=Access.PUBLIC,
            handler=handlers.log_in, body=models.LogIn, reply=models.User, summary="Sign in",
            errors=[(401, "wrong_credentials"), (429, "too_many_attempts")],
        ),
        Endpoint(
            module=MODULE, name="logout", method="POST", path="/logout", access=Access.PUBLIC,
            handler=handlers.log_out, reply=None, summary="Sign out and end the session everywhere",
        ),
        Endpoint(
            module=MODULE, name="me", method="GET", path="/me", access=Access.SIGNED_IN,
            handler=handlers.me, reply=models.Me, summary="Return the caller and the businesses they belong to",
        ),
    ]  # fmt: skip


def _business_endpoints(handlers: "Handlers") -> list[AnyEndpoint]:
    return [
        Endpoint(
            module=MODULE, name="business", method="GET", path="/businesses/{slug}", access=Access.PUBLIC,
            handler=handlers.business, reply=models.BusinessProfile, summary="Return the public profile of a business",
        ),
        Endpoint(
            module=MODULE, name="join", method="POST", path="/businesses/{slug}/customers", access=Access.PUBLIC,
            handler=handlers.join, body=models.Join, reply=models.Joined, status=201,
            summary="Become a customer of a business, with a new account or the signed-in one",
            errors=[(429, "too_many_attempts")],
        ),
    ]  # fmt: skip


class Handlers:
    def __init__(self, services: Services) -> None:
        self._services = services

    def sign_up(self, call: Call[models.SignUp]) -> models.SignedUp:
        business, session = self._services.sign_ups.sign_up(
            call.body,
            key=call.idempotency_key or "",
            origin=origin_of(call),
            replacing=call.principal.session_id if call.principal else None,
            trace=call.trace,
            deadline=call.deadline,
        )
        return models.SignedUp(business=models.business_reply(business), user=self._signed_in(call, session))

    def log_in(self, call: Call[models.LogIn]) -> models.User:
        replacing = call.principal.session_id if call.principal else None
        session = self._services.sessions.log_in(call.body.email, call.body.password, origin_of(call), replacing)
        return self._signed_in(call, session)

    def log_out(self, call: Call[None]) -> None:
        if call.principal is not None and call.principal.session_id is not None:
            self._services.sessions.log_out(call.principal.session_id)
        call.reply_headers.append(self._services.cookies.signed_out())

    def me(self, call: Call[None]) -> models.Me:
        principal = call.require_principal()
        user = self._services.directory.user(principal.user_id) if principal.kind == "user" else None
        return models.Me(
            kind=principal.kind,
            user=user_reply(user) if user else None,
            is_operator=principal.is_operator,
            memberships=self._memberships(principal),
        )

    def business(self, call: Call[None]) -> models.BusinessProfile:
        return models.business_reply(call.require_business())

    def join(self, call: Call[models.Join]) -> models.Joined:
        if call.principal is None:
            return self._join_with_account(call)
        user_id, _ = require_user(call.principal)
        if call.body != models.Join():
            raise ApiError(400, "invalid_request", "You are already signed in: omit name, e-mail address and password.")
        role = self._services.accounts.join_as_user(call.require_business(), user_id)
        return models.Joined(user_id=user_id, role=role)

    def _join_with_account(self, call: Call[models.Join]) -> models.Joined:
        name, email, password = call.body.name, call.body.email, call.body.password
        if name is None or email is None or password is None:
            missing = "name" if name is None else "email" if email is None else "password"
            message = "Send name, email and password, or sign in first and send an empty object."
            raise ApiError(400, "invalid_request", message, field=missing)
        person = AccountDetails(name, email, password)
        session, role = self._services.accounts.join_as_customer(call.require_business(), person, origin_of(call), None)
        return models.Joined(user_id=self._signed_in(call, session).user_id, role=role)

    def _memberships(self, principal: Principal) -> tuple[models.Membership, ...]:
        if principal.kind == "user":
            found = self._services.directory.memberships(principal.user_id)
        else:
            of_token = (
                (self._services.directory.business(business_id), role) for business_id, role in principal.roles.items()
            )
            found = [(business, role) for business, role in of_token if business is not None]
        return tuple(models.Membership(business=models.business_reply(business), role=role) for business, role in found)

    def _signed_in(self, call: Call[Any], session: NewSession) -> models.User:
        call.reply_headers += self._services.cookies.signed_in(session)
        return user_reply(session.user)
