"""The initial copy while the source is in use: existing businesses, and changes during the copy."""

import threading
import time
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from contracts.scheduling.values import DatabaseName
from monolith.cutover import replication
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.replication import CopyProgress, starting
from tests.contract.port.shop import Shop, at
from tests.cutover.replication_pair import same, shop_at, start
from tests.cutover.writers import opened, switched_port, writers
from tests.databases import Databases
from tests.polling import eventually


def test_initial_copy_and_changes_are_replicated_in_both_directions(stopped_at_the_end: SchedulingDatabases) -> None:
    pair = stopped_at_the_end
    here = shop_at(pair, "monolith")
    here.book(at(9))
    said = start(pair)
    assert said[-1].ready
    assert {each.direction for each in said} == {"monolith to scheduling", "scheduling to monolith"}
    there = shop_at(pair, "scheduling")
    here.book(at(10))
    there.book(at(9))
    assert same(pair, here.business_id)
    assert same(pair, there.business_id)
    assert replication.find_problems(pair.extraction, max_lag_bytes=1_000_000) == []
    assert start(pair)[-1].ready, "it may be started again"


def test_both_databases_may_own_businesses_before_the_start(stopped_at_the_end: SchedulingDatabases) -> None:
    """Each business is copied to the other database, and no change is sent back."""
    pair = stopped_at_the_end
    shops = [shop_at(pair, "monolith"), shop_at(pair, "monolith"), shop_at(pair, "scheduling")]
    for shop in shops:
        shop.book(at(9))
    start(pair)
    for shop in shops:
        shop.book(at(10))
        assert same(pair, shop.business_id)
    assert replication.find_problems(pair.extraction, max_lag_bytes=1_000_000) == []


def test_interrupted_start_is_reported_and_completed_by_the_next(
    stopped_at_the_end: SchedulingDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that ends between creating the subscription and adding the tables that have rows to copy."""
    pair = stopped_at_the_end
    shop = shop_at(pair, "monolith")
    shop.book(at(9))
    # The first direction has nothing to copy.
    outcomes = iter([False])
    with monkeypatch.context() as patch:
        patch.setattr(starting, "lacks_tables", lambda *_: next(outcomes))
        with pytest.raises(StopIteration):
            start(pair)
    assert any(
        "tables are not ready yet" in each
        for each in replication.find_problems(pair.extraction, max_lag_bytes=1_000_000)
    )
    shop.book(at(10))
    assert start(pair)[-1].ready
    assert same(pair, shop.business_id)
    assert replication.find_problems(pair.extraction, max_lag_bytes=1_000_000) == []


def test_business_created_during_the_copy_is_copied(stopped_at_the_end: SchedulingDatabases) -> None:
    pair = stopped_at_the_end
    created: list[Shop] = []
    stop, enough = threading.Event(), threading.Event()

    def create() -> None:
        while not stop.is_set():
            created.append(shop_at(pair, "monolith"))
            if len(created) > 3:
                enough.set()
            time.sleep(0.05)

    thread = threading.Thread(target=create)
    thread.start()
    start(pair)
    assert enough.wait(30)
    stop.set()
    thread.join()
    for shop in created:
        assert same(pair, shop.business_id)


def test_business_deleted_during_the_copy_is_deleted_in_both(
    stopped_at_the_end: SchedulingDatabases, databases: Databases
) -> None:
    """The product deletes no business, but an administrator may. The remaining businesses are copied."""
    pair = stopped_at_the_end
    shops = [shop_at(pair, "monolith") for _ in range(8)]
    for shop in shops:
        shop.book(at(9))
    doomed, stays = shops[:4], shops[4:]
    started = threading.Event()

    def erase() -> None:
        started.wait()
        for shop in doomed:
            time.sleep(0.1)
            erased(databases, shop.business_id)

    def said(progress: CopyProgress) -> None:
        started.set()

    thread = threading.Thread(target=erase)
    thread.start()
    start(pair, said)
    started.set()
    thread.join()
    for shop in shops:
        eventually(lambda shop=shop: same(pair, shop.business_id))  # type: ignore[misc]
    assert [rows_of(pair, "scheduling", shop.business_id) for shop in doomed] == [0] * 4
    assert all(rows_of(pair, "scheduling", shop.business_id) for shop in stays)
    assert replication.find_problems(pair.extraction, max_lag_bytes=1_000_000) == []


def erased(databases: Databases, business_id: UUID) -> None:
    """Delete a business as an administrator, in one transaction at the owner."""
    with psycopg.connect(databases.monolith_admin_url) as db:
        tables = db.execute(
            """
            SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t
                   USING (table_schema, table_name)
             WHERE c.table_schema = 'scheduling' AND c.column_name = 'business_id' AND t.table_type = 'BASE TABLE'
            """
        ).fetchall()
        db.execute("SET LOCAL session_replication_role = replica")
        for (table,) in tables:
            db.execute(
                sql.SQL("DELETE FROM scheduling.{} WHERE business_id = %s").format(sql.Identifier(table)),
                (business_id,),
            )


def rows_of(pair: SchedulingDatabases, name: DatabaseName, business_id: UUID) -> int:
    with pair.at(name).connect() as db:
        row = db.execute(
            "SELECT count(*) FROM scheduling.appointment WHERE business_id = %s", (business_id,)
        ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.long
def test_writes_during_the_copy_are_replicated(stopped_at_the_end: SchedulingDatabases) -> None:
    pair = stopped_at_the_end
    with switched_port(pair) as port:
        shop = opened(port)
        with writers(shop, 3):
            start(pair)
        assert same(pair, shop.business_id)


def test_copy_is_analyzed_before_the_start_returns(stopped_at_the_end: SchedulingDatabases) -> None:
    """Without statistics the first business would be served with plans for empty tables."""
    pair = stopped_at_the_end
    shop = shop_at(pair, "monolith")
    shop.book(at(9))
    start(pair)
    with pair.scheduling.connect() as db:
        rows = db.execute(
            "SELECT relname, reltuples FROM pg_class "
            "WHERE oid IN ('scheduling.appointment'::regclass, 'scheduling.claim'::regclass)"
        ).fetchall()
    assert sorted(rows) == [("appointment", 1.0), ("claim", 1.0)]
