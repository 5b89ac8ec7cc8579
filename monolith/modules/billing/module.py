"""Composition of the billing module."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monolith.modules.billing.routes import endpoints
from monolith.modules.billing.service import BillingService
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import AnyEndpoint
from monolith.shared.events import Consumer

SCHEMA = "billing"
MIGRATIONS = Path(__file__).with_name("migrations")
APP_ROLE = "billing_app"


@dataclass(frozen=True, slots=True)
class Billing:
    api: BillingService
    endpoints: Sequence[AnyEndpoint]
    consumers: Sequence[Consumer]


def build_billing(database: ModuleDatabase) -> Billing:
    """Build the module. `database` connects as `billing_app`."""
    service = BillingService(database)
    return Billing(
        api=service,
        endpoints=endpoints(service),
        consumers=[Consumer("billing", database, service.handle)],
    )
