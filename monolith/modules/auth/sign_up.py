"""Sign-up of a business. It writes to two databases, so it is a sequence of steps that can be resumed.

1. Commit the business, its owner and the idempotency key together, in the state 'opening'.
2. Open the business in scheduling, with no transaction open here.
3. Mark the business open and sign its owner in.

If step 2 fails, a retry with the same key resumes there, and so does the worker (`pending_sign_ups.py`).
"""

import hashlib
from collections.abc import Callable
from uuid import UUID

import msgspec

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import Trace
from monolith.modules.auth import models
from monolith.modules.auth.accounts import AccountDetails, Accounts
from monolith.modules.auth.api import OpeningFailed
from monolith.modules.auth.origin import Origin
from monolith.modules.auth.repository import accounts, businesses, memberships, sign_ups
from monolith.modules.auth.repository.accounts import Account
from monolith.modules.auth.sessions import NewSession, Sessions, wrong_credentials
from monolith.shared.database import DatabaseUnavailable, ModuleDatabase, new_id
from monolith.shared.endpoints import ApiError, BusinessRef, PublicDetails
from monolith.shared.localization import SOURCE, Language

OpenScheduling = Callable[[BusinessRef, Trace, Deadline], None]
"""Opens the business in scheduling. Idempotent. Raises OpeningFailed."""


class SignUps:
    """Signs up businesses. Every method may raise ApiError 429 and DatabaseUnavailable."""

    def __init__(
        self, database: ModuleDatabase, accounts: Accounts, sessions: Sessions, open_scheduling: OpenScheduling
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._sessions = sessions
        self._open_scheduling = open_scheduling

    def sign_up(
        self,
        body: models.SignUp,
        *,
        key: str,
        origin: Origin,
        replacing: UUID | None,
        trace: Trace,
        deadline: Deadline,
        language: Language | None = None,
    ) -> tuple[BusinessRef, NewSession]:
        """Sign up a business and return it, open, with its owner's session. Idempotent per key and body.

        The business, and a new account, have this `language`; None: the business English, and the account none.

        Raises ApiError: 422 if the key was used for another body; 409 `slug_taken`; 503 `set_up_unfinished` if the
        business is stored but scheduling could not open it.
        """
        business, owner_id, account = self._identify_and_register(body, key, origin, language)
        if owner_id != account.user.user_id:
            # An earlier request with the same key, maybe a concurrent one, created the account of the owner.
            account = self._owner(owner_id, body.password)
        self._open(business, trace, deadline)
        with self._database.transaction() as connection:
            session = self._sessions.begin(connection, account, origin, replacing)
            businesses.mark_open(connection, business.business_id)
        return business, session

    def register(self, body: models.SignUp, *, key: str, origin: Origin) -> BusinessRef:
        """Store the business and its owner; `sign_up` with the same key and body opens it. Idempotent per key and body.

        Raises ApiError as `sign_up` does.
        """
        return self._identify_and_register(body, key, origin, None)[0]

    def _identify_and_register(
        self, body: models.SignUp, key: str, origin: Origin, language: Language | None
    ) -> tuple[BusinessRef, UUID, Account]:
        """Return the business of this key, its owner, and the account that the request names."""
        person = AccountDetails(body.name, body.email, body.password, language)
        account, exists = self._accounts.identify(person, origin)
        details = PublicDetails(language=language or SOURCE)
        wanted = BusinessRef(new_id(), body.slug, body.business_name, body.zone, body.currency, details)
        business, owner_id = self._register(body, wanted, key, account, exists)
        return business, owner_id, account

    def _register(
        self, body: models.SignUp, business: BusinessRef, key: str, account: Account, exists: bool
    ) -> tuple[BusinessRef, UUID]:
        """Return the business of this key, creating `business` if needed, and its owner."""
        owner_id = account.user.user_id
        with self._database.transaction() as connection:
            earlier = sign_ups.reserve(
                connection, _hash(key.encode()), _request_hash(body), business.business_id, owner_id
            )
            if earlier is not None:
                known = businesses.by_id(connection, earlier.business_id)
                if earlier.request_hash != _request_hash(body) or known is None:
                    raise _key_reused()
                return known, earlier.user_id or owner_id
            if exists and not accounts.lock(connection, owner_id):
                raise wrong_credentials()
            if not businesses.insert(connection, business):
                raise _slug_taken(body.slug)
            if not exists:
                self._accounts.insert(connection, account)
            memberships.join(connection, business.business_id, owner_id, "owner")
        return business, owner_id

    def _owner(self, user_id: UUID, password: str) -> Account:
        with self._database.transaction() as connection:
            owner = accounts.by_id(connection, user_id)
        if owner is None or not self._accounts.has_password(owner, password):
            raise _key_reused()
        return owner

    def _open(self, business: BusinessRef, trace: Trace, deadline: Deadline) -> None:
        try:
            self._open_scheduling(business, trace, deadline)
        except (OpeningFailed, DatabaseUnavailable) as error:
            raise ApiError(
                503,
                "set_up_unfinished",
                f'Your account and "{business.slug}" exist, but the calendar is still being set up. This finishes '
                "automatically in a moment; then sign in.",
                retry_after=5,
            ) from error


def _request_hash(body: models.SignUp) -> bytes:
    """Hash the request without the password, which must not be stored as a fast hash; the account verifies it."""
    return _hash(msgspec.json.encode(msgspec.structs.replace(body, password="", email=body.email.lower())))


def _hash(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()


def _key_reused() -> ApiError:
    message = "This Idempotency-Key was already used for a different sign-up. Send a new key."
    return ApiError(422, "idempotency_key_reused", message)


def _slug_taken(slug: str) -> ApiError:
    return ApiError(
        409, "slug_taken", f'The short name "{slug}" is already taken. Please choose another one.', field="slug"
    )
