"""Operators who change the replication, or move businesses, at the same time."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from uuid import UUID

import pytest

from deploy.control_plane import connected_control_plane
from monolith.cutover import replication
from monolith.cutover.copies import FinalizeRefused
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.finalize import finalize_extraction
from monolith.cutover.replication import CopyProgress
from monolith.cutover.service import ControlPlane, CutoverRequest, OperationInProgress, Selection
from monolith.cutover.store.cutovers import Cutover
from tests.command_line import CommandLine, cutover_settings
from tests.contract.port.shop import at
from tests.cutover.replication_pair import start, turn_to_start
from tests.cutover.restorable import move
from tests.cutover.test_deletion_of_copies import FINALIZE, bookings, moved_shop, paused, refusal, resumed
from tests.cutover.writers import opened, switched_port
from tests.databases import Databases
from tests.integration.devstack.test_flag import sign_up


def another_plane(pair: SchedulingDatabases) -> AbstractContextManager[ControlPlane]:
    return connected_control_plane(pair.monolith.url, pair.monolith.secret, lambda: pair, lambda database: None)


def test_a_second_operator_is_refused_until_the_first_has_ended(
    pair: SchedulingDatabases,
    databases: Databases,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = cutover_settings(databases)
    extraction = CommandLine(settings, monkeypatch, capsys)
    with switched_port(pair) as port:
        shop = opened(port)
        shop.book(at(9))
        start(pair)
        with paused(settings, "reset", "--yes") as reset:
            for command in (("replicate", "start", "--discard-copies"), ("replicate", "stop"), FINALIZE):
                message = refusal(extraction(*command))
                assert "another operator is changing the replication (reset by cli:" in message
                assert f"(process {reset.pid})" in message
            assert resumed(reset).returncode == 0
        assert bookings(pair, shop.business_id) == {"monolith": 1, "scheduling": 0}
        assert extraction("replicate", "stop").returncode == 0


def test_a_second_start_is_refused_until_the_first_has_ended(
    stopped_at_the_end: SchedulingDatabases, plane: ControlPlane
) -> None:
    pair, refused = stopped_at_the_end, list[str]()

    def start_too(progress: object) -> None:
        if not refused:
            with another_plane(pair) as other, pytest.raises(OperationInProgress) as refusal:
                begin(other, lambda progress: None)
            refused.append(str(refusal.value))

    def begin(each: ControlPlane, on_progress: Callable[[CopyProgress], None]) -> None:
        each.extraction.start_replication(on_progress, actor="tests", discard_copies=False, allow_unbounded_wal=True)

    with turn_to_start():
        begin(plane, start_too)
        begin(plane, lambda progress: None)
    assert "replicate start by tests (process" in refused[0]


# ---- moves in the meantime


@pytest.mark.parametrize(
    ("moved_at", "message"),
    [
        ("compared 1 of 1", "^1 of 1 business still owned by monolith"),
        ("stopping replication", "^another operator moved a business in the meantime, and replication has ended"),
    ],
)
def test_finalize_is_refused_when_a_business_has_moved_back_in_the_meantime(
    stopped_at_the_end: SchedulingDatabases, moved_at: str, message: str
) -> None:
    pair = stopped_at_the_end
    with moved_shop(pair) as shop:

        def report(line: str) -> None:
            if line == moved_at:
                move(pair, shop, "scheduling", "monolith")

        with pytest.raises(FinalizeRefused, match=message) as refused:
            finalize_extraction(pair, "scheduling", report)
        assert str(shop.business_id) in str(refused.value)
        assert bookings(pair, shop.business_id) == {"monolith": 1, "scheduling": 1}


def test_reset_is_refused_when_a_business_has_moved_away_in_the_meantime(
    stopped_at_the_end: SchedulingDatabases, databases: Databases, plane: ControlPlane
) -> None:
    pair = stopped_at_the_end
    (business_id,) = sign_up(databases, "one")
    start(pair)
    there = CutoverRequest("scheduling", "tests", "there", fence_seconds=10.0)
    assert plane.cutovers.cut_over(there, Selection("one"), silent_move).moved == 1

    def move_away(slug: str, cutover: Cutover) -> None:
        with another_plane(pair) as other:
            other.cutovers.cut_over(there, Selection("one"), silent_move)

    with pytest.raises(FinalizeRefused, match=r"1 of 1 business still owned by scheduling \(one\)"):
        plane.extraction.reset("tests", "back", move_away)
    assert plane.directory.owners()[business_id].owner == "scheduling"
    assert replication.is_replicating(pair.extraction)
    plane.extraction.reset("tests", "back", silent_move)
    assert plane.directory.owners()[business_id].owner == "monolith"
    assert held_in_scheduling(pair, business_id) == 0


def silent_move(slug: str, cutover: Cutover) -> None:
    pass


def held_in_scheduling(pair: SchedulingDatabases, business_id: UUID) -> int:
    with pair.scheduling.connect() as db:
        row = db.execute("SELECT count(*) FROM scheduling.business WHERE business_id = %s", (business_id,)).fetchone()
    assert row is not None
    return int(row[0])
