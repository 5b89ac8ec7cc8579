"""Composition of the auth module."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from monolith.modules.auth.account_mails import AccountMails
from monolith.modules.auth.account_pruning import AccountPruner
from monolith.modules.auth.account_routes import AccountServices, account_endpoints
from monolith.modules.auth.accounts import Accounts
from monolith.modules.auth.api import FindLink
from monolith.modules.auth.business_profile import BusinessProfiles, UpdateScheduling, profile_endpoints
from monolith.modules.auth.confirmation import EmailConfirmation
from monolith.modules.auth.cookie import Cookies
from monolith.modules.auth.customer_routes import customer_endpoints
from monolith.modules.auth.customers import Customers
from monolith.modules.auth.devices import Devices
from monolith.modules.auth.directory import Directory
from monolith.modules.auth.invitations import Invitations
from monolith.modules.auth.member_routes import MemberServices, member_endpoints
from monolith.modules.auth.members import Members
from monolith.modules.auth.password_check import PasswordCheck
from monolith.modules.auth.password_reset import PasswordResets
from monolith.modules.auth.passwords import Argon2Parameters, Passwords
from monolith.modules.auth.profiles import OwnAccount
from monolith.modules.auth.routes import Services, endpoints
from monolith.modules.auth.sessions import Sessions
from monolith.modules.auth.sign_up import OpenScheduling, SignUps
from monolith.modules.auth.throttle import Throttle
from monolith.modules.auth.tokens import ApiTokens
from monolith.modules.notifications.api import LetterSender
from monolith.shared.customer_links import CustomerLinks
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import AnyEndpoint
from monolith.shared.endpoints.cookies import CookieNames

ROLE = "auth_app"
SCHEMA = "auth"
MIGRATIONS = Path(__file__).with_name("migrations")


def _finds_none(business_id: UUID, email: str, reference: str) -> None:
    """Find no link."""


@dataclass(frozen=True, slots=True)
class Auth:
    """The parts of auth. `sessions` is the authenticator; the pages use the services."""

    api: Directory
    sessions: Sessions
    accounts: Accounts
    sign_ups: SignUps
    confirmation: EmailConfirmation
    resets: PasswordResets
    own_account: OwnAccount
    members: Members
    invitations: Invitations
    tokens: ApiTokens
    cookies: Cookies
    customers: Customers
    profiles: BusinessProfiles
    links: CustomerLinks
    public_url: str

    @property
    def endpoints(self) -> list[AnyEndpoint]:
        """The endpoints of the JSON API."""
        own = AccountServices(self.sessions, self.confirmation, self.resets, self.own_account, self.cookies)
        return [
            *endpoints(Services(self.sign_ups, self.sessions, self.accounts, self.api, self.cookies)),
            *account_endpoints(own),
            *member_endpoints(MemberServices(self.members, self.invitations, self.tokens, self.cookies)),
            *customer_endpoints(self.customers),
            *profile_endpoints(self.profiles),
        ]


def build_auth(
    database: ModuleDatabase,
    *,
    open_scheduling: OpenScheduling,
    update_scheduling: UpdateScheduling,
    public_url: str,
    cookie_secrets: Sequence[str],
    hashing: Argon2Parameters | None = None,
) -> Auth:
    """Build the module. `database` connects as `ROLE`. Only tests change the parameters of `hashing`.

    The last of `cookie_secrets` signs device cookies and the links of appointments, and all are accepted: every process
    needs the same. Others make all devices unknown and all these links invalid.
    """
    throttle = Throttle(database)
    devices = Devices(cookie_secrets)
    passwords = Passwords(hashing or Argon2Parameters())
    check = PasswordCheck(database, passwords, throttle, devices)
    sessions = Sessions(database, passwords, throttle, check, devices)
    accounts = Accounts(database, passwords, throttle, check, sessions)
    confirmation = EmailConfirmation(database, passwords, throttle, check, sessions)
    customers = Customers(database, throttle)
    return Auth(
        api=Directory(database, accounts, confirmation, customers),
        sessions=sessions,
        accounts=accounts,
        sign_ups=SignUps(database, accounts, sessions, open_scheduling),
        confirmation=confirmation,
        resets=PasswordResets(database, passwords, throttle, sessions),
        own_account=OwnAccount(database, sessions),
        members=Members(database, sessions),
        invitations=Invitations(database, passwords, throttle, check, sessions),
        tokens=ApiTokens(database, sessions),
        cookies=Cookies(CookieNames.of(public_url)),
        customers=customers,
        profiles=BusinessProfiles(database, update_scheduling),
        links=CustomerLinks(cookie_secrets),
        public_url=public_url,
    )


def account_mails(
    database: ModuleDatabase,
    sender: LetterSender,
    public_url: str,
    links: CustomerLinks,
    find_link: FindLink = _finds_none,
) -> AccountMails:
    """Build the sender of the worker. `database` connects as `ROLE`.

    `links` signs those of waitlist entries; `find_link` finds lost links of appointments.
    """
    return AccountMails(database, Throttle(database), sender, public_url, find_link, links)


def account_pruner(database: ModuleDatabase) -> AccountPruner:
    """Build the pruner of the worker. `database` connects as `ROLE`."""
    return AccountPruner(database)
