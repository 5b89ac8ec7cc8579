"""The tables of the catalog: what a business can be booked for, with whom and when."""

from scheduling_service.engine.store.catalog.business import bump_rules, open_business, read_business
from scheduling_service.engine.store.catalog.providers import read_provider_zone

__all__ = ["bump_rules", "open_business", "read_business", "read_provider_zone"]
