"""Billing on a database of its own, and a source of events."""

from collections.abc import Iterator

import psycopg
import pytest

from monolith.modules.billing.module import APP_ROLE, build_billing
from monolith.shared.database import ModuleDatabase
from tests.databases import Databases
from tests.integration.billing.billed_business import Admin, Books

POOL = 10


@pytest.fixture
def database(databases: Databases) -> Iterator[ModuleDatabase]:
    database = ModuleDatabase(databases.monolith_url, role=APP_ROLE, secret=databases.role_secret, pool_size=POOL)
    yield database
    database.close()


@pytest.fixture
def books(database: ModuleDatabase) -> Books:
    """A business without prices or invoices."""
    return Books(database, build_billing(database).api)


@pytest.fixture
def admin(databases: Databases) -> Iterator[Admin]:
    """A superuser connection, which bypasses row-level security."""
    with psycopg.connect(databases.monolith_admin_url, autocommit=True) as connection:
        yield connection
