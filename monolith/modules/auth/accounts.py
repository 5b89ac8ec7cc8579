"""User accounts: sign-up, joining a business, operators."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from monolith.modules.auth.api import OperatorRole, UserRef
from monolith.modules.auth.origin import Origin
from monolith.modules.auth.password_check import PasswordCheck
from monolith.modules.auth.passwords import Passwords
from monolith.modules.auth.repository import account_mails, accounts, memberships
from monolith.modules.auth.repository.accounts import Account
from monolith.modules.auth.sessions import NewSession, Sessions
from monolith.modules.auth.throttle import (
    NEW_ACCOUNT_FROM_ADDRESS,
    NEW_CUSTOMER_OF_BUSINESS,
    SIGN_UP_WITH_EMAIL,
    Throttle,
)
from monolith.shared.database import ModuleDatabase, new_id
from monolith.shared.endpoints import ApiError, BusinessRef, Role
from monolith.shared.localization import Language
from monolith.shared.rate_limits import Attempt


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """Details for a new account, or the credentials of an existing one."""

    name: str
    email: str
    password: str
    language: Language | None = None
    """For a new account. None: not known."""


class Accounts:
    """A confirmed e-mail address has one account, which can belong to any number of businesses.

    A sign-up with any address creates a separate account, which does not prevent other sign-ups with the same address.
    It can book, but receives no mail except the request to confirm the address, and ends after a week, or when another
    account confirms the address (`confirmation.py`). A sign-up with the address *and* password of an account uses that
    account.
    """

    def __init__(
        self,
        database: ModuleDatabase,
        passwords: Passwords,
        throttle: Throttle,
        password_check: PasswordCheck,
        sessions: Sessions,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._throttle = throttle
        self._password_check = password_check
        self._sessions = sessions

    def identify(self, person: AccountDetails, origin: Origin, *further: Attempt) -> tuple[Account, bool]:
        """Return the account with this address and password, or a new one, and whether it exists already.

        A new account is not stored yet: pass it to `insert`. Answer and duration do not depend on whether the address
        has an account, unless the password is right. Charges `further` limits too. Raises ApiError 429 after too many
        attempts.
        """
        email = person.email.lower()
        self._throttle.charge((NEW_ACCOUNT_FROM_ADDRESS, origin.address), (SIGN_UP_WITH_EMAIL, email), *further)
        known = self._password_check.account(email, person.password)
        if known is not None:
            return known, True
        user = UserRef(new_id(), person.name, email, confirmed=False, language=person.language)
        return self._new_account(user, person.password), False

    def has_password(self, account: Account, password: str) -> bool:
        return self._passwords.verify(password, account.password_hash)

    def insert(self, connection: Connection, account: Account) -> None:
        """Store a new account and queue the mail that its sign-up causes."""
        accounts.insert(connection, account)
        account_mails.enqueue(connection, "sign_up", account.user.email, account.user.user_id)

    def join_as_customer(
        self, business: BusinessRef, person: AccountDetails, origin: Origin, replacing: UUID | None
    ) -> tuple[NewSession, Role]:
        """Make the person a customer of the business and sign them in. Staff stay staff. Idempotent."""
        of_business = (NEW_CUSTOMER_OF_BUSINESS, str(business.business_id))
        account, exists = self.identify(person, origin, of_business)
        with self._database.transaction() as connection:
            if not exists:
                self.insert(connection, account)
            session = self._sessions.begin(connection, account, origin, replacing)
            return session, memberships.join(connection, business.business_id, account.user.user_id, "customer")

    def join_as_user(self, business: BusinessRef, user_id: UUID) -> Role:
        """Make a signed-in user a customer of the business. Idempotent."""
        with self._database.transaction() as connection:
            return memberships.join(connection, business.business_id, user_id, "customer")

    def grant_operator_role(self, email: str, role: OperatorRole, name: str | None, password: str | None) -> UserRef:
        """See `AuthApi.grant_operator_role`."""
        email = email.lower()
        with self._database.transaction() as connection:
            account = accounts.by_email(connection, email)
        if account is None:
            if name is None or password is None:
                raise _no_account(email)
            account = self._add(self._new_account(UserRef(new_id(), name, email), password))
        with self._database.transaction() as connection:
            accounts.set_operator_role(connection, account.user.user_id, role)
        return account.user

    def revoke_operator_role(self, email: str) -> UserRef:
        """See `AuthApi.revoke_operator_role`."""
        with self._database.transaction() as connection:
            account = accounts.by_email(connection, email.lower())
            if account is None:
                raise _no_account(email)
            if not accounts.revoke_operator_role(connection, account.user.user_id):
                raise ApiError(409, "no_role", f"{account.user.email} has no role.")
        return account.user

    def _new_account(self, user: UserRef, password: str) -> Account:
        return Account(user, self._passwords.hash(password))

    def _add(self, account: Account) -> Account:
        """Store a confirmed account; return the existing one if the address was registered concurrently."""
        with self._database.transaction() as connection:
            if accounts.insert(connection, account):
                return account
            existing = accounts.by_email(connection, account.user.email)
            assert existing is not None
            return existing


def _no_account(email: str) -> ApiError:
    return ApiError(404, "not_found", f"{email} has no account. Provide a name and a password to create one.")
