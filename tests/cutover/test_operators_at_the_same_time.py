"""Operators who change the replication, or move businesses, at the same time."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from deploy.control_plane import connected_control_plane
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.replication import CopyProgress
from monolith.cutover.service import ControlPlane, OperationInProgress
from tests.command_line import CommandLine, cutover_settings
from tests.contract.port.shop import at
from tests.cutover.replication_pair import start, turn_to_start
from tests.cutover.test_deletion_of_copies import FINALIZE, bookings, paused, refusal, resumed
from tests.cutover.writers import opened, switched_port
from tests.databases import Databases


@pytest.fixture
def plane(pair: SchedulingDatabases) -> Iterator[ControlPlane]:
    url, secret = pair.monolith.url, pair.monolith.secret
    with connected_control_plane(url, secret, lambda: pair, lambda database: None) as opened:
        yield opened


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
