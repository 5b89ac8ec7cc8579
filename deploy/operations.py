"""What an operator's commands work with: the monolith's flags, owners and businesses, and both scheduling databases."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg

from contracts.chassis.credentials import role_url
from contracts.scheduling.values import DatabaseName
from deploy.deployment import deployment_environment, unreachable_database
from deploy.errors import CommandError
from monolith.cutover.inventory import BusinessInventory, read_inventory
from monolith.cutover.store import ownership
from monolith.cutover.store.shadow_results import ShadowResultStore
from monolith.modules.auth.api import AuthApi
from monolith.modules.billing.api import BillingApi
from monolith.modules.scheduling.ownership import Ownership
from monolith.operators import operators_auth, operators_billing
from monolith.shared.database import Database, DatabaseUnavailable
from monolith.shared.endpoints import BusinessRef
from monolith.shared.flags.store import FlagStore


@dataclass(frozen=True)
class Operations:
    """Reads and changes of an operator. Errors of the database become one line that names it."""

    flags: FlagStore
    auth: AuthApi
    billing: BillingApi
    shadow: ShadowResultStore
    _platform: Database

    def business(self, slug: str) -> BusinessRef | None:
        return self.auth.business_by_slug(slug)

    def businesses(self) -> Sequence[BusinessRef]:
        """All, by slug."""
        return self.auth.businesses()

    def owners(self) -> dict[UUID, Ownership]:
        with self._platform.transaction() as connection:
            return ownership.all_owners(connection)

    def inventory(self, name: DatabaseName) -> dict[UUID, BusinessInventory] | None:
        """Return the inventory of the database; None when it is unreachable."""
        environment = deployment_environment(name)
        url = environment[f"{name.upper()}_DATABASE_URL"]
        try:
            return read_inventory(role_url(url, "scheduling_operator", environment["DATABASE_ROLE_SECRET"]))
        except psycopg.errors.UndefinedTable as error:
            raise CommandError(f"the {name} database is not migrated: run `extraction db setup {name}`") from error
        except psycopg.OperationalError:
            return None


@contextmanager
def open_operations() -> Iterator[Operations]:
    """Raises CommandError, one line with the remedy, when there is no deployment or it does not answer."""
    environment = deployment_environment("monolith")
    url, secret = environment["MONOLITH_DATABASE_URL"], environment["DATABASE_ROLE_SECRET"]
    platform = Database(url, role="platform_app", secret=secret, pool_size=1)
    auth = operators_auth(url, secret)
    try:
        yield Operations(
            FlagStore(platform), auth, operators_billing(url, secret), ShadowResultStore(platform), platform
        )
    except DatabaseUnavailable as error:
        raise unreachable_database("monolith", error) from error
    finally:
        platform.close()
