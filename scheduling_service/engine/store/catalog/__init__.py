"""The tables of the catalog: what a business can be booked for, with whom and when."""

from scheduling_service.engine.store.catalog.business import increment_rules_version, insert_business, read_business
from scheduling_service.engine.store.catalog.providers import read_provider_zone

__all__ = ["increment_rules_version", "insert_business", "read_business", "read_provider_zone"]
