"""The modules that an operator's commands need, composed without the rest of the product."""

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import Trace
from monolith.modules.auth import module as auth
from monolith.modules.auth.api import AuthApi, OpeningFailed
from monolith.modules.billing import module as billing
from monolith.modules.billing.api import BillingApi
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import BusinessRef


def operators_auth(url: str, secret: str) -> AuthApi:
    """Return auth's API. Commands sign up no business, so it has no scheduling."""
    database = ModuleDatabase(url, role=auth.ROLE, secret=secret, pool_size=1)
    parts = auth.build_auth(
        database,
        open_scheduling=_no_scheduling,
        update_scheduling=_no_scheduling,
        public_url="http://localhost",
        cookie_secret=secret,
    )
    return parts.api


def operators_billing(url: str, secret: str) -> BillingApi:
    """Return billing's API, for commands that verify invoices."""
    return billing.build_billing(ModuleDatabase(url, role=billing.APP_ROLE, secret=secret, pool_size=1)).api


def _no_scheduling(business: BusinessRef, trace: Trace, deadline: Deadline) -> None:
    raise OpeningFailed(f"{business.slug} cannot be opened from here.")
