"""Helpers of the handlers: checks of the caller, and common replies."""

from typing import Any, NamedTuple
from uuid import UUID

from monolith.modules.auth.api import UserRef
from monolith.modules.auth.models import User
from monolith.modules.auth.origin import Origin
from monolith.shared.endpoints import Call, Principal
from monolith.shared.endpoints.errors import email_unconfirmed, require_session


class SignedInUser(NamedTuple):
    """A user, and the session that the request was made with."""

    user_id: UUID
    session_id: UUID


def origin_of(call: Call[Any]) -> Origin:
    return Origin(call.remote_address, call.user_agent, call.device_cookie)


def require_user(principal: Principal) -> SignedInUser:
    """Return the user and the session.

    Raises ApiError 403 for an API token, because the effect of these operations would outlive its revocation.
    """
    return SignedInUser(principal.user_id, require_session(principal))


def require_confirmed_user(principal: Principal) -> SignedInUser:
    """Return a user with a confirmed e-mail address, which is needed to let others or programs in.

    Raises ApiError 403 for others.
    """
    user = require_user(principal)
    if not principal.confirmed:
        raise email_unconfirmed()
    return user


def user_reply(user: UserRef) -> User:
    return User(
        user_id=user.user_id,
        name=user.name,
        email=user.email,
        email_confirmed=user.confirmed,
        language=user.language,
    )
