"""Fixtures for the second extraction: both databases of billing, replicated, and the keys of its service."""

from collections.abc import Iterator

import pytest

from tests.databases import Databases
from tests.second_extraction.billing_databases import BillingDatabases, billing_databases
from tests.service_fixtures import keys, service_databases

__all__ = ["keys", "pair", "service_databases"]


@pytest.fixture(scope="module")
def pair(service_databases: Databases) -> Iterator[BillingDatabases]:
    with billing_databases(service_databases) as pair:
        yield pair
