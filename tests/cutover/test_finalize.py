"""Finalize: only after every business was cut over and is equal; then only the copies are deleted."""

import pytest

from monolith.cutover import finalize, replication
from monolith.cutover.controller import Controller
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.finalize import FinalizeRefused
from monolith.cutover.preflight import PreflightChecks
from tests.contract.port.shop import Shop, at
from tests.cutover.replication_pair import start
from tests.cutover.writers import opened, switched_port


def silent(line: str) -> None:
    pass


def rows(pair: SchedulingDatabases, shop: Shop) -> tuple[int, int]:
    """The number of the business's appointments in each database."""
    counts = []
    for database in (pair.monolith, pair.scheduling):
        with database.connect() as db:
            row = db.execute(
                "SELECT count(*) FROM scheduling.appointment WHERE business_id = %s", (shop.business_id,)
            ).fetchone()
            assert row is not None
            counts.append(row[0])
    return counts[0], counts[1]


def test_finalize_requires_that_every_business_was_cut_over(pair: SchedulingDatabases) -> None:
    with switched_port(pair) as port, Controller(pair, PreflightChecks(pair, lambda database: None)) as controller:
        one, another = opened(port), opened(port)
        one.book(at(9))
        start(pair)
        with pytest.raises(FinalizeRefused, match="2 of 2 businesses still owned by monolith"):
            finalize.finalize_extraction(pair, "scheduling", silent)
        for shop in (one, another):
            move = controller.cut_over(
                shop.business_id, "monolith", "scheduling", fence_seconds=5, actor="tests", reason="to the end"
            )
            assert move.state == "active", move.problem
        one.book(at(10))
        assert finalize.finalize_extraction(pair, "scheduling", silent) > 10
        assert rows(pair, one) == (0, 2)
        assert not replication.read_status(pair.extraction).directions[0].subscribed
        # The business stays usable, and finalizing again deletes nothing.
        one.book(at(11))
        assert finalize.finalize_extraction(pair, "scheduling", silent) == 0
        assert rows(pair, one) == (0, 3)
