"""User accounts and their memberships in businesses."""

from dataclasses import dataclass
from uuid import UUID

from monolith.modules.auth.api import UserRef
from monolith.modules.auth.passwords import Passwords
from monolith.modules.auth.repository import accounts
from monolith.modules.auth.repository.accounts import Account
from monolith.modules.auth.sessions import NewSession, begin_session
from monolith.modules.auth.throttle import NEW_ACCOUNT_FROM_ADDRESS, PASSWORD_OF_ACCOUNT, Throttle
from monolith.shared.database import ModuleDatabase, new_id
from monolith.shared.endpoints import ApiError, BusinessRef, Role


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """Details for a new account, or the credentials of an existing one."""

    name: str
    email: str
    password: str


class Accounts:
    """An e-mail address has one account, which can belong to any number of businesses.

    A sign-up with the address and password of an existing account uses that account. With a wrong password it fails
    with `account_refused`. This reveals that the address has an account, at the cost of one throttled password
    attempt; hiding it would require confirmation by e-mail before anything can be booked.
    """

    def __init__(self, database: ModuleDatabase, passwords: Passwords, throttle: Throttle) -> None:
        self._database = database
        self._passwords = passwords
        self._throttle = throttle

    def identify(self, person: AccountDetails, address: str) -> tuple[Account, bool]:
        """Return the account of the e-mail address, and whether it already exists; a new account is not stored yet.

        Raises ApiError 409 if the account exists and the password is wrong, and 429 after too many attempts.
        """
        email = person.email.lower()
        self._throttle.charge((NEW_ACCOUNT_FROM_ADDRESS, address), (PASSWORD_OF_ACCOUNT, email))
        with self._database.transaction() as connection:
            account = accounts.by_email(connection, email)
        if account is not None and not self._passwords.verify(person.password, account.password_hash):
            raise account_refused()
        with self._database.transaction() as connection:
            self._throttle.refund(connection, (PASSWORD_OF_ACCOUNT, email))
        if account is not None:
            return account, True
        user = UserRef(new_id(), person.name, email)
        return Account(user, self._passwords.hash(person.password)), False

    def join_as_customer(
        self, business: BusinessRef, person: AccountDetails, address: str, replacing: UUID | None
    ) -> tuple[NewSession, Role]:
        """Make the person a customer of the business and sign them in. Staff stay staff. Idempotent."""
        account, exists = self.identify(person, address)
        with self._database.transaction() as connection:
            if not exists and not accounts.insert(connection, account):
                raise account_refused()
            role = accounts.join(connection, business.business_id, account.user.user_id, "customer")
            return begin_session(connection, account, replacing), role

    def join_as_user(self, business: BusinessRef, user_id: UUID) -> Role:
        """Make a signed-in user a customer of the business. Idempotent."""
        with self._database.transaction() as connection:
            return accounts.join(connection, business.business_id, user_id, "customer")

    def add_staff(self, business: BusinessRef, person: AccountDetails) -> tuple[UUID, Role]:
        """Make the account with this e-mail address a staff member, creating it if needed. Idempotent."""
        email = person.email.lower()
        with self._database.transaction() as connection:
            account = accounts.by_email(connection, email)
        if account is None:
            account = self._add(Account(UserRef(new_id(), person.name, email), self._passwords.hash(person.password)))
        with self._database.transaction() as connection:
            user_id = account.user.user_id
            return user_id, accounts.join(connection, business.business_id, user_id, "staff")

    def make_operator(self, email: str, name: str | None, password: str | None) -> UserRef:
        """See `AuthApi.make_operator`."""
        email = email.lower()
        with self._database.transaction() as connection:
            account = accounts.by_email(connection, email)
        if account is None:
            if name is None or password is None:
                raise ApiError(
                    404, "not_found", f"{email} has no account. Provide a name and a password to create one."
                )
            account = self._add(Account(UserRef(new_id(), name, email), self._passwords.hash(password)))
        with self._database.transaction() as connection:
            accounts.make_operator(connection, account.user.user_id)
        return account.user

    def _add(self, account: Account) -> Account:
        """Store the account; return the existing one if the address was registered concurrently."""
        with self._database.transaction() as connection:
            if accounts.insert(connection, account):
                return account
            existing = accounts.by_email(connection, account.user.email)
            assert existing is not None
            return existing


def account_refused() -> ApiError:
    return ApiError(
        409,
        "account_refused",
        "An account with this e-mail address and password could not be created. "
        "If you already have an account, sign in first.",
    )
