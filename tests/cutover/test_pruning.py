"""Idempotency keys are pruned by the owner only, and replication and verification agree with it."""

from uuid import UUID

import psycopg

from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.verification import compare_recent, read_recent
from monolith.cutover.verification.full_comparison import read_clock
from scheduling_service.engine import lease as leases
from tests.contract.port.shop import at
from tests.cutover.replication_pair import administrator, same, shop_at
from tests.databases import Databases
from tests.key_pruning import prune_keys
from tests.polling import eventually

NAMES: tuple[DatabaseName, DatabaseName] = ("monolith", "scheduling")


def keys(databases: Databases, business_id: UUID) -> list[int]:
    """Return the number of keys in each database."""
    found = []
    for url in (databases.monolith_admin_url, databases.scheduling_admin_url):
        with psycopg.connect(url) as connection:
            query = "SELECT count(*) FROM scheduling.idempotency WHERE business_id = %s"
            row = connection.execute(query, (business_id,)).fetchone()
            assert row is not None
            found.append(int(row[0]))
    return found


def prune_in_both(pair: SchedulingDatabases) -> None:
    for name in NAMES:
        prune_keys(pair.at(name).url, pair.at(name).secret)


def age_keys(databases: Databases, name: DatabaseName, business_id: UUID) -> None:
    administrator(
        databases,
        f"""
        UPDATE scheduling.idempotency SET recorded_at = recorded_at - interval '8 days'
         WHERE business_id = '{business_id}'
        """,
        name,
    )


def test_keys_are_pruned_by_the_owner_and_leave_the_copy_by_replication(
    replicated: SchedulingDatabases, shared_databases: Databases
) -> None:
    shop = shop_at(replicated, "monolith")
    shop.book(at(10))
    written = keys(shared_databases, shop.business_id)[0]
    age_keys(shared_databases, "monolith", shop.business_id)
    eventually(lambda: same(replicated, shop.business_id), "replication")
    prune_keys(replicated.scheduling.url, replicated.scheduling.secret)
    assert keys(shared_databases, shop.business_id) == [written, written], "the copy is not pruned"
    shop.book(at(11))
    prune_in_both(replicated)
    eventually(lambda: keys(shared_databases, shop.business_id) == [1, 1], "replication of the deletions")
    assert same(replicated, shop.business_id)


def test_pruning_right_before_a_fence_reaches_the_target_before_its_watermark(
    replicated: SchedulingDatabases, shared_databases: Databases
) -> None:
    shop = shop_at(replicated, "monolith")
    shop.book(at(10))
    age_keys(shared_databases, "monolith", shop.business_id)
    with replicated.monolith.connect() as source, replicated.scheduling.connect() as target:
        since = read_clock(source)
        prune_in_both(replicated)
        assert leases.fence(source, shop.business_id, epoch=1, attempt=1, wait_ms=1_000) is not None
        eventually(lambda: leases.has_watermark(target, shop.business_id, 1), "the watermark")
        assert keys(shared_databases, shop.business_id) == [0, 0]
        source_rows = read_recent(source, shop.business_id, since)
        assert compare_recent(source, target, shop.business_id, source_rows).equal
        leases.activate(target, shop.business_id, epoch=2, attempt=1)
    prune_in_both(replicated)
    assert same(replicated, shop.business_id)
