"""Login, logout, password changes and authentication."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from monolith.modules.auth import credentials
from monolith.modules.auth.api import UserRef
from monolith.modules.auth.calls import SignedInUser
from monolith.modules.auth.devices import Devices
from monolith.modules.auth.models import Session
from monolith.modules.auth.origin import Origin
from monolith.modules.auth.password_check import PasswordCheck
from monolith.modules.auth.passwords import Passwords
from monolith.modules.auth.repository import account_mails, accounts, mail_tokens, principals, sessions
from monolith.modules.auth.repository.accounts import Account
from monolith.modules.auth.throttle import CHANGE_OF_PASSWORD, PASSWORD_OF_ACCOUNT, Throttle
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import ApiError, Principal
from monolith.shared.endpoints.errors import not_found, unauthenticated
from monolith.shared.localization import N_


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that was just created; `secret` and `device` are the values of its cookies."""

    user: UserRef
    secret: str
    device: str


class Sessions:
    """Sessions of users; implements `Authenticator`."""

    def __init__(
        self,
        database: ModuleDatabase,
        passwords: Passwords,
        throttle: Throttle,
        password_check: PasswordCheck,
        devices: Devices,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._throttle = throttle
        self._password_check = password_check
        self._devices = devices
        self._ended_callbacks: list[Callable[[UUID], None]] = []

    def on_ended(self, callback: Callable[[UUID], None]) -> None:
        """Register a callback for what is ended in this process; see `report_ended`."""
        self._ended_callbacks.append(callback)

    def log_in(self, email: str, password: str, origin: Origin, replacing: UUID | None = None) -> NewSession:
        """Start a session, ending the one it replaces. Raises ApiError 401, or 429 after too many failures.

        An unknown e-mail address and a wrong password give the same error after the same amount of work.
        """
        account, attempts = self._password_check.limited_account(email.lower(), password, origin)
        if account is None:
            raise wrong_credentials()
        newer = self._passwords.hash(password) if self._passwords.is_outdated(account.password_hash) else None
        with self._database.transaction() as connection:
            self._throttle.refund(connection, *attempts)
            if newer is not None and accounts.set_password(
                connection, account.user.user_id, old=account.password_hash, new=newer
            ):
                account = Account(account.user, newer)
            return self.begin(connection, account, origin, replacing)

    def begin(self, connection: Connection, account: Account, origin: Origin, replacing: UUID | None) -> NewSession:
        """Start a session for an account whose password was just verified, in the caller's transaction.

        Raises ApiError 401 if the password has changed since then. Locks the account, as `repository.sessions.begin`
        describes.
        """
        secret = credentials.new_session_secret()
        user, secret_hash = account.user, credentials.hash_secret(secret)
        if not sessions.begin(connection, user.user_id, account.password_hash, secret_hash, origin):
            raise wrong_credentials()
        if replacing is not None:
            sessions.end(connection, replacing)
            # Before the commit, so a simultaneous request of the same browser may cache the session once more.
            self.report_ended([replacing])
        return NewSession(user, secret, self._devices.issue(user.user_id, account.password_hash))

    def log_out(self, session_id: UUID) -> None:
        """End the session immediately, in every process. Idempotent."""
        with self._database.transaction() as connection:
            sessions.end(connection, session_id)
        self.report_ended([session_id])

    def active(self, user_id: UUID, current: UUID) -> list[Session]:
        """Return the user's active sessions, most recently used first."""
        return self._database.query(lambda connection: sessions.active(connection, user_id, current))

    def end(self, user_id: UUID, session_id: UUID) -> None:
        """End one of the user's sessions. Raises ApiError 404 if the user has no such session."""
        with self._database.transaction() as connection:
            if not sessions.end_own(connection, user_id, session_id):
                raise not_found("session")
        self.report_ended([session_id])

    def end_others(self, user_id: UUID, kept: UUID) -> None:
        """End all sessions of the user but one. Idempotent."""
        with self._database.transaction() as connection:
            ended = sessions.end_others(connection, user_id, kept)
        self.report_ended(ended)

    def report_ended(self, ids: Iterable[UUID]) -> None:
        """Report what a committed transaction has ended: sessions, API tokens, a role of a user.

        The id of a business stands for all its API tokens.
        """
        for each in ids:
            for callback in self._ended_callbacks:
                callback(each)

    def require_password(self, user_id: UUID, password: str) -> Account:
        """Return the account of a signed-in user who repeats the password. Raises ApiError 403, or 429."""
        with self._database.transaction() as connection:
            account = accounts.by_id(connection, user_id)
        if account is None:
            raise wrong_credentials()
        attempt = (PASSWORD_OF_ACCOUNT, str(user_id))
        self._throttle.charge(attempt)
        if not self._passwords.verify(password, account.password_hash):
            raise wrong_current_password()
        with self._database.transaction() as connection:
            self._throttle.refund(connection, attempt)
        return account

    def change_password(self, user_id: UUID, session_id: UUID, current: str, new: str) -> str:
        """Change the password, end all other sessions of the user, and return the new cookie of the device.

        The user is notified by mail, and links that were mailed before become invalid. Raises ApiError 403 if `current`
        is wrong, and 429 after too many changes, which a link for a new password is not subject to.
        """
        account = self.require_password(user_id, current)
        self._throttle.charge((CHANGE_OF_PASSWORD, str(user_id)))
        new_hash = self._passwords.hash(new)
        with self._database.transaction() as connection:
            if not accounts.set_password(connection, user_id, old=account.password_hash, new=new_hash):
                raise wrong_current_password()
            ended = sessions.end_others(connection, user_id, kept=session_id)
            if account.user.confirmed:
                mail_tokens.forget(connection, [user_id])
                account_mails.enqueue(connection, "password_changed", account.user.email, user_id)
        self.report_ended(ended)
        return self._devices.issue(user_id, new_hash)

    def by_session(self, secret: str) -> Principal | None:
        if not credentials.is_session_secret(secret):
            return None
        return principals.by_session(self._database, credentials.hash_secret(secret))

    def by_api_token(self, secret: str) -> Principal | None:
        if not credentials.is_token_secret(secret):
            return None
        return principals.by_token(self._database, credentials.hash_secret(secret))


def require_session(connection: Connection, user: SignedInUser) -> None:
    """Let no credentials of the user end before the transaction does. Raises ApiError 401 if the session has ended.

    What outlives a session is created after this: a reset of the password then either prevents it or ends it. Locks the
    account, so call it before locking a business.
    """
    if not accounts.lock(connection, user.user_id) or not sessions.exists(connection, *user):
        raise unauthenticated()


def wrong_credentials() -> ApiError:
    return ApiError(401, "wrong_credentials", N_("The e-mail address or password is incorrect."))


def wrong_current_password() -> ApiError:
    return ApiError(403, "wrong_password", N_("The current password is incorrect."), field="current_password")
