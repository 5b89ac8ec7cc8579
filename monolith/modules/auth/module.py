"""Composition of the auth module."""

from dataclasses import dataclass
from pathlib import Path

from monolith.modules.auth.accounts import Accounts
from monolith.modules.auth.api import AuthApi
from monolith.modules.auth.business_profile import BusinessProfiles, UpdateScheduling, profile_endpoints
from monolith.modules.auth.cookie import SessionCookie
from monolith.modules.auth.customer_routes import customer_endpoints
from monolith.modules.auth.customers import Customers
from monolith.modules.auth.directory import Directory
from monolith.modules.auth.passwords import Argon2Parameters, Passwords
from monolith.modules.auth.routes import Services, endpoints
from monolith.modules.auth.sessions import Sessions
from monolith.modules.auth.sign_up import OpenScheduling, SignUps
from monolith.modules.auth.throttle import Throttle
from monolith.modules.auth.tokens import ApiTokens
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import AnyEndpoint

ROLE = "auth_app"
SCHEMA = "auth"
MIGRATIONS = Path(__file__).with_name("migrations")


@dataclass(frozen=True, slots=True)
class Auth:
    """The parts of auth. `sessions` is the authenticator; the pages also use the services."""

    api: AuthApi
    endpoints: list[AnyEndpoint]
    sessions: Sessions
    accounts: Accounts
    sign_ups: SignUps
    cookie: SessionCookie
    customers: Customers
    profiles: BusinessProfiles


def build_auth(
    database: ModuleDatabase,
    *,
    open_scheduling: OpenScheduling,
    update_scheduling: UpdateScheduling,
    public_url: str,
    hashing: Argon2Parameters | None = None,
) -> Auth:
    """Build the module. `database` connects as `ROLE`. Only tests change the parameters of `hashing`."""
    throttle = Throttle(database)
    passwords = Passwords(hashing or Argon2Parameters())
    sessions = Sessions(database, passwords, throttle)
    accounts = Accounts(database, passwords, throttle)
    sign_ups = SignUps(database, accounts, open_scheduling)
    directory = Directory(database, accounts)
    cookie = SessionCookie(secure=public_url.startswith("https://"))
    services = Services(sign_ups, sessions, accounts, ApiTokens(database), directory, cookie)
    customers = Customers(database)
    profiles = BusinessProfiles(database, update_scheduling)
    table = [*endpoints(services), *customer_endpoints(customers), *profile_endpoints(profiles)]
    return Auth(directory, table, sessions, accounts, sign_ups, cookie, customers, profiles)
