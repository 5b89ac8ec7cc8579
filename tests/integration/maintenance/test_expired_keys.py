"""Idempotency keys are pruned in small batches that no request waits for, and that wait for no request."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
import pytest

from contracts.scheduling import models as m
from scheduling_service.maintenance import expired_keys
from scheduling_service.maintenance.due_businesses import DueBusinesses
from scheduling_service.maintenance.expired_keys import ExpiredKeys
from tests.contract.port.shop import Shop, at
from tests.integration.engine.workbench import Background, Workbench

RETENTION = timedelta(days=7)

NewPruner = Callable[[], ExpiredKeys]


@pytest.fixture
def new_pruner(bench: Workbench) -> Iterator[NewPruner]:
    """A pruner that begins its first cycle with the first step."""
    due = DueBusinesses(bench.databases.scheduling_url, bench.databases.role_secret)
    assert due.try_to_lead()
    yield lambda: ExpiredKeys(due, bench.database, RETENTION)
    due.close()


def prune(new_pruner: NewPruner) -> None:
    """Run one cycle."""
    pruner = new_pruner()
    while pruner.step():
        pass


def age_keys(bench: Workbench, shop: Shop, days: int) -> None:
    bench.sql(
        "UPDATE scheduling.idempotency SET recorded_at = now() - make_interval(days => %s) WHERE business_id = %s",
        days,
        shop.business_id,
    )


def add_old_keys(bench: Workbench, shop: Shop, number: int) -> None:
    bench.sql(
        """
        INSERT INTO scheduling.idempotency (business_id, actor, operation, key, request_hash, reply, recorded_at)
        SELECT %s, 'staff:old', 'book', 'old-' || i, '', '', now() - interval '8 days' FROM generate_series(1, %s) AS i
        """,
        shop.business_id,
        number,
    )


def test_only_expired_keys_are_pruned(bench: Workbench, shop: Shop, new_pruner: NewPruner) -> None:
    age_keys(bench, shop, days=8)
    shop.port.book(shop.customer.writes("recent"), shop.booking())
    prune(new_pruner)
    assert bench.sql("SELECT key FROM scheduling.idempotency") == [("recent",)]


def test_keys_are_pruned_in_small_transactions(bench: Workbench, shop: Shop, new_pruner: NewPruner) -> None:
    prune(new_pruner)
    before = bench.count("idempotency", shop.business_id)
    add_old_keys(bench, shop, 2 * expired_keys.BATCH + 50)
    pruner = new_pruner()
    assert pruner.step(), "finds the business"
    for left in (expired_keys.BATCH + 50, 50, 0):
        assert pruner.step()
        assert bench.count("idempotency", shop.business_id) == before + left


def test_booking_and_pruning_do_not_wait_for_each_other(bench: Workbench, shop: Shop, new_pruner: NewPruner) -> None:
    """Each is done while the other's transaction is open."""
    age_keys(bench, shop, days=8)
    with bench.administrator() as administrator, administrator.transaction():
        administrator.execute("LOCK TABLE scheduling.outbox IN EXCLUSIVE MODE")  # The booking waits here, uncommitted.
        slow = Background(lambda: shop.port.book(shop.customer.writes("slow"), shop.booking()))
        bench.waiting("")
        prune(new_pruner)
        assert bench.count("idempotency", shop.business_id) == 0
    slow.result()

    age_keys(bench, shop, days=8)
    with bench.connect("scheduling_app") as open_pruning, open_pruning.transaction():
        open_pruning.execute("SELECT set_config('app.business_id', %s, true)", (str(shop.business_id),))
        deleted = open_pruning.execute("DELETE FROM scheduling.idempotency").rowcount
        assert deleted == 1
        booked = shop.port.book(shop.customer.writes("slow", seconds=2), shop.booking())
        assert booked.starts_at == at(9), "the deletion is not committed, so the key still answers"
        assert shop.port.book(shop.customer.writes("new", seconds=2), shop.booking(at(10))).version == 1


def test_fenced_business_is_skipped_at_once(bench: Workbench, shop: Shop, new_pruner: NewPruner) -> None:
    age_keys(bench, shop, days=8)
    before = bench.count("idempotency", shop.business_id)
    with bench.fenced(shop.business_id):
        prune(new_pruner)
        assert bench.count("idempotency", shop.business_id) == before
    prune(new_pruner)
    assert bench.count("idempotency", shop.business_id) == 0


def test_copy_is_never_pruned(bench: Workbench, shop: Shop, new_pruner: NewPruner) -> None:
    """Only the owner's deletions reach both databases; a deletion from the copy would be replicated to the owner."""
    age_keys(bench, shop, days=8)
    before = bench.count("idempotency", shop.business_id)
    pruner = new_pruner()
    assert pruner.step(), "finds the business while it is owned"
    bench.sql("UPDATE scheduling.lease SET active = false WHERE business_id = %s", shop.business_id)
    while pruner.step():
        pass
    prune(new_pruner)
    assert bench.count("idempotency", shop.business_id) == before
    with bench.connect("scheduling_app") as direct:
        direct.execute("SELECT set_config('app.business_id', %s, false)", (str(shop.business_id),))
        with pytest.raises(psycopg.Error, match="does not own business"):
            direct.execute("DELETE FROM scheduling.idempotency")


def test_pruned_key_of_another_request_books_again(bench: Workbench, shop: Shop, new_pruner: NewPruner) -> None:
    """After the retention a key is like a new one: a request for free time is executed, not replayed."""
    first = shop.port.book(shop.customer.writes("key"), shop.booking())
    shop.port.cancel(shop.customer.writes(), m.Cancel(appointment_id=first.appointment_id))
    age_keys(bench, shop, days=8)
    prune(new_pruner)
    again = shop.port.book(shop.customer.writes("key"), shop.booking())
    assert again.appointment_id != first.appointment_id
