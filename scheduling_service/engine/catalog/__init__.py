"""The catalog of a business: services, providers, resources and working time, from which availability is computed.

Every change excludes the business's other writes and increments its rules' version, so that no booking is decided by
outdated rules.
"""

from scheduling_service.engine.catalog.business import open_business, update_business
from scheduling_service.engine.catalog.dates import (
    list_date_overrides,
    list_holidays,
    set_date_override,
    set_holidays,
)
from scheduling_service.engine.catalog.loading import load_rules
from scheduling_service.engine.catalog.offerings import create_offering, list_offerings, update_offering
from scheduling_service.engine.catalog.providers import (
    assign_offerings,
    create_provider,
    list_providers,
    set_weekly_hours,
    update_provider,
)
from scheduling_service.engine.catalog.resources import create_resource, list_resources, update_resource
from scheduling_service.engine.catalog.time_off import block_time, list_blocks, remove_block

__all__ = [
    "assign_offerings",
    "block_time",
    "create_offering",
    "create_provider",
    "create_resource",
    "list_blocks",
    "list_date_overrides",
    "list_holidays",
    "list_offerings",
    "list_providers",
    "list_resources",
    "load_rules",
    "open_business",
    "remove_block",
    "set_date_override",
    "set_holidays",
    "set_weekly_hours",
    "update_business",
    "update_offering",
    "update_provider",
    "update_resource",
]
