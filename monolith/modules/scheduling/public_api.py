"""All endpoints of the module."""

from contracts.scheduling.port import SchedulingPort
from monolith.modules.auth.api import AuthApi
from monolith.modules.billing.api import BillingApi
from monolith.modules.notifications.api import NotificationsApi
from monolith.modules.scheduling import routes
from monolith.modules.scheduling.catalog_endpoints import catalog_endpoints
from monolith.modules.scheduling.personal_data import personal_data_endpoints
from monolith.shared.endpoints import AnyEndpoint


def scheduling_endpoints(
    port: SchedulingPort, auth: AuthApi, billing: BillingApi, notifications: NotificationsApi
) -> list[AnyEndpoint]:
    """Return the endpoints of the port, of single entries of the catalog, and of the export of personal data."""
    return [
        *routes.endpoints(port, auth.customer_names),
        *catalog_endpoints(port),
        *personal_data_endpoints(port, auth, billing, notifications),
    ]
