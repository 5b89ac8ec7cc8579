"""Password reset by mail."""

from datetime import timedelta
from uuid import UUID

from monolith.modules.auth import credentials
from monolith.modules.auth.confirmation import end_credentials, invalid_link
from monolith.modules.auth.origin import Origin
from monolith.modules.auth.passwords import Passwords
from monolith.modules.auth.repository import account_mails, accounts, mail_tokens
from monolith.modules.auth.repository.accounts import Account
from monolith.modules.auth.sessions import NewSession, Sessions
from monolith.modules.auth.throttle import RESET_FROM_ADDRESS, Throttle
from monolith.shared.database import ModuleDatabase

LINK_VALID_FOR = timedelta(hours=1)


class PasswordResets:
    """Links that set a new password: single use, valid for an hour, and invalid after any other change of password."""

    def __init__(self, database: ModuleDatabase, passwords: Passwords, throttle: Throttle, sessions: Sessions) -> None:
        self._database = database
        self._passwords = passwords
        self._throttle = throttle
        self._sessions = sessions

    def request(self, email: str, origin: Origin) -> None:
        """Mail a link to the owner of the address, if it has an account.

        Every call does the same; the worker finds out whether there is an account when it sends the mail. Raises
        ApiError 429 after too many requests from one network address.
        """
        self._throttle.charge((RESET_FROM_ADDRESS, origin.address))
        with self._database.transaction() as connection:
            account_mails.enqueue(connection, "reset", email.lower())

    def require_valid(self, secret: str) -> None:
        """Raise ApiError 404 for a link that is unknown, expired or used."""
        self._account_of(secret)

    def reset(self, secret: str, password: str, origin: Origin, replacing: UUID | None = None) -> NewSession:
        """Set the password, end what can act for the user, and return a new session.

        That is: all sessions, API tokens, open invitations sent by the user, and links of the appointments that exist,
        whoever has made or seen them. The new session also replaces the session `replacing` of the browser, which may
        belong to another user. The owner is notified by mail. Raises ApiError 404 for a link that is unknown, expired
        or used.
        """
        account = self._account_of(secret)
        renewed = Account(account.user, self._passwords.hash(password))
        user_id = account.user.user_id
        with self._database.transaction() as connection:
            # Simultaneous uses of links take turns at the row of the account. The password is then another one, or the
            # link is gone.
            is_current = accounts.set_password(
                connection, user_id, old=account.password_hash, new=renewed.password_hash
            )
            if not is_current or not mail_tokens.use(connection, credentials.hash_secret(secret)):
                raise invalid_link()
            ended: list[UUID] = end_credentials(connection, [user_id])
            accounts.end_links(connection, user_id)
            account_mails.enqueue(connection, "password_changed", account.user.email, user_id)
            session = self._sessions.begin(connection, renewed, origin, replacing)
        self._sessions.report_ended(ended)
        return session

    def _account_of(self, secret: str) -> Account:
        with self._database.transaction() as connection:
            token = mail_tokens.find(connection, "reset", credentials.hash_secret(secret))
            account = accounts.by_id(connection, token.user_id) if token else None
        # The link proves the address to which it was sent, which the account may have changed since.
        if token is None or account is None or not account.user.confirmed or account.user.email != token.email:
            raise invalid_link()
        return account
