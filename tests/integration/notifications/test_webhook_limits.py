"""Limits on the number of webhooks and of their tests."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest

from monolith.modules.notifications.api import CreateWebhook
from monolith.modules.notifications.webhooks.webhooks import MOST_WEBHOOKS, TEST_OF_BUSINESS
from monolith.shared.endpoints import ApiError, BusinessRef
from tests.databases import Databases
from tests.integration.notifications.conftest import Office
from tests.polling import eventually

_WAITING = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND usename = 'notifications_app' AND wait_event_type = 'Lock'
"""


def test_requests_at_the_same_time_create_no_more_webhooks_than_the_limit(office: Office, databases: Databases) -> None:
    business = BusinessRef(uuid4(), "shop", "Shop", "UTC", "EUR")

    def create(_: int) -> str:
        try:
            office.module.webhooks.create(business, uuid4(), CreateWebhook(url="https://receiver.example"))
        except ApiError as error:
            return error.code
        return "created"

    assert {create(number) for number in range(MOST_WEBHOOKS - 1)} == {"created"}
    with (
        ThreadPoolExecutor(3) as pool,
        psycopg.connect(databases.monolith_admin_url) as admin,
        psycopg.connect(databases.monolith_admin_url, autocommit=True) as watcher,
    ):
        # Lets them count, but not insert.
        admin.execute("LOCK TABLE notifications.webhook IN SHARE ROW EXCLUSIVE MODE")
        attempts = [pool.submit(create, number) for number in range(3)]
        eventually(lambda: watcher.execute(_WAITING).fetchone() == (3,), "three requests at the same time")
        admin.rollback()
        assert sorted(each.result() for each in attempts) == ["created", "too_many_webhooks", "too_many_webhooks"]
    assert len(office.module.webhooks.of_business(business)) == MOST_WEBHOOKS


def test_tests_of_webhooks_are_limited_per_business(office: Office) -> None:
    webhooks = office.module.webhooks

    def try_often(business: BusinessRef, number: int) -> None:
        webhook_id = webhooks.create(
            business, uuid4(), CreateWebhook(url="https://receiver.example")
        ).webhook.webhook_id
        for _ in range(number):
            webhooks.send_test(business, webhook_id)

    crowding, other = (BusinessRef(uuid4(), "shop", "Shop", "UTC", "EUR") for _ in range(2))
    with pytest.raises(ApiError) as refused:
        try_often(crowding, TEST_OF_BUSINESS.burst + 1)
    assert (refused.value.status, refused.value.code) == (429, "too_many_attempts")
    queued = "SELECT count(*) FROM notifications.webhook_delivery"
    assert office.administer(queued) == [(TEST_OF_BUSINESS.burst,)]
    try_often(other, 1)
    assert office.administer(queued) == [(TEST_OF_BUSINESS.burst + 1,)]
