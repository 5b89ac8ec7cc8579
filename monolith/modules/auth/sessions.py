"""Login, logout, password changes and authentication."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from monolith.modules.auth import credentials
from monolith.modules.auth.api import UserRef
from monolith.modules.auth.passwords import Passwords
from monolith.modules.auth.repository import accounts, principals, sessions
from monolith.modules.auth.repository.accounts import Account
from monolith.modules.auth.throttle import PASSWORD_FROM_ADDRESS, PASSWORD_OF_ACCOUNT, Throttle
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import ApiError, Principal


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that was just created; `secret` is the value of its cookie."""

    user: UserRef
    secret: str


class Sessions:
    """Sessions of users; implements `Authenticator`."""

    def __init__(self, database: ModuleDatabase, passwords: Passwords, throttle: Throttle) -> None:
        self._database = database
        self._passwords = passwords
        self._throttle = throttle
        self._session_ended_callbacks: list[Callable[[UUID], None]] = []

    def on_session_ended(self, callback: Callable[[UUID], None]) -> None:
        """Register a callback for the id of each session that is logged out in this process."""
        self._session_ended_callbacks.append(callback)

    def log_in(self, email: str, password: str, address: str, replacing: UUID | None = None) -> NewSession:
        """Start a session, ending the one it replaces. Raises ApiError 401, or 429 after too many failures.

        An unknown e-mail address and a wrong password give the same error after the same amount of work.
        """
        email = email.lower()
        attempts = ((PASSWORD_FROM_ADDRESS, address), (PASSWORD_OF_ACCOUNT, email))
        self._throttle.charge(*attempts)
        with self._database.transaction() as connection:
            account = accounts.by_email(connection, email)
        correct = self._passwords.verify(password, account.password_hash if account else None)
        if account is None or not correct:
            raise wrong_credentials()
        newer = self._passwords.hash(password) if self._passwords.is_outdated(account.password_hash) else None
        with self._database.transaction() as connection:
            self._throttle.refund(connection, *attempts)
            session = begin_session(connection, account, replacing)
            if newer is not None:
                accounts.set_password(connection, account.user.user_id, old=account.password_hash, new=newer)
        return session

    def log_out(self, session_id: UUID) -> None:
        """End the session immediately, in every process. Idempotent."""
        with self._database.transaction() as connection:
            sessions.end(connection, session_id)
        for callback in self._session_ended_callbacks:
            callback(session_id)

    def change_password(self, user_id: UUID, session_id: UUID, current: str, new: str) -> None:
        """Change the password and end all other sessions of the user. Raises ApiError 403 if `current` is wrong."""
        with self._database.transaction() as connection:
            account = accounts.by_id(connection, user_id)
        if account is None:
            raise wrong_credentials()
        attempt = (PASSWORD_OF_ACCOUNT, account.user.email)
        self._throttle.charge(attempt)
        if not self._passwords.verify(current, account.password_hash):
            raise _wrong_current_password()
        new_hash = self._passwords.hash(new)
        with self._database.transaction() as connection:
            self._throttle.refund(connection, attempt)
            if not accounts.set_password(connection, user_id, old=account.password_hash, new=new_hash):
                raise _wrong_current_password()
            sessions.end_others(connection, user_id, kept=session_id)

    def by_session(self, secret: str) -> Principal | None:
        if not credentials.is_session_secret(secret):
            return None
        return principals.by_session(self._database, credentials.hash_secret(secret))

    def by_api_token(self, secret: str) -> Principal | None:
        if not credentials.is_token_secret(secret):
            return None
        return principals.by_token(self._database, credentials.hash_secret(secret))


def begin_session(connection: Connection, account: Account, replacing: UUID | None) -> NewSession:
    """Start a session for an account whose password was just verified.

    Raises ApiError 401 if the password has changed since then.
    """
    secret = credentials.new_session_secret()
    if replacing is not None:
        sessions.end(connection, replacing)
    if not sessions.begin(connection, account.user.user_id, account.password_hash, credentials.hash_secret(secret)):
        raise wrong_credentials()
    return NewSession(account.user, secret)


def wrong_credentials() -> ApiError:
    return ApiError(401, "wrong_credentials", "The e-mail address or password is incorrect.")


def _wrong_current_password() -> ApiError:
    return ApiError(403, "wrong_password", "The current password is incorrect.", field="current_password")
