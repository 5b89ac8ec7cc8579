"""The SQL of the catalog: services, providers, resources and working time."""

from scheduling_service.engine.store.catalog.business import (
    increment_rules_version,
    insert_business,
    read_business,
    update_business,
)
from scheduling_service.engine.store.catalog.providers import read_provider_zone

__all__ = ["increment_rules_version", "insert_business", "read_business", "read_provider_zone", "update_business"]
