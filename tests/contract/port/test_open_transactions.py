"""The check of this suite detects a call inside an open transaction."""

import pytest

from contracts.scheduling import models as m
from monolith.shared.database import ModuleDatabase
from tests.contract.port.shop import Shop
from tests.databases import Databases
from tests.open_transactions import refuse_calls_inside_transactions


@pytest.fixture
def platform(databases: Databases) -> ModuleDatabase:
    return ModuleDatabase(databases.monolith_url, role="platform_app", secret=databases.role_secret)


def test_a_call_inside_a_transaction_fails(shop: Shop, platform: ModuleDatabase) -> None:
    caught = pytest.raises(AssertionError, match="was called inside an open database transaction")
    with caught, refuse_calls_inside_transactions(), platform.transaction():
        shop.port.get_business(shop.staff.reads(), m.GetBusiness())


def test_swallowed_failure_is_reported_at_the_end(shop: Shop, platform: ModuleDatabase) -> None:
    def swallow() -> None:
        with platform.transaction(), pytest.raises(AssertionError):
            shop.port.get_business(shop.staff.reads(), m.GetBusiness())

    with pytest.raises(AssertionError, match=r"\.get_business"), refuse_calls_inside_transactions():
        swallow()


def test_call_after_the_transaction_passes(shop: Shop, platform: ModuleDatabase) -> None:
    with platform.transaction():
        pass
    assert shop.port.get_business(shop.staff.reads(), m.GetBusiness()).epoch == 1
