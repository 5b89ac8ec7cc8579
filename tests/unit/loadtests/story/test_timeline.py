"""What the story's page is drawn from."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from loadtests.bench.cutover_pauses import stalls
from loadtests.harness.cutovers import WritePause
from loadtests.harness.traffic.ledger import LedgerReport
from loadtests.harness.traffic.open_loop import TrafficRecord
from loadtests.story.page import write_page
from loadtests.story.timeline import Story, owners_over_time, summarize_seconds
from monolith.cutover.store.cutovers import Cutover

BEGAN = 1_000_000.0


def record(at: float, ms: float, kind: str = "read", status: int = 200) -> TrafficRecord:
    return TrafficRecord("people", kind, BEGAN + at, ms, status, status)


def move(fenced: float, active: float, source: Any = "monolith", target: Any = "scheduling") -> Cutover:
    def moment(at: float) -> str:
        return datetime.fromtimestamp(BEGAN + at, UTC).isoformat()

    steps = [{"state": "fenced", "at": moment(fenced)}, {"state": "active", "at": moment(active)}]
    now = datetime.now(UTC)
    return Cutover(uuid4(), uuid4(), source, target, 1, 1, "active", 2.0, now, now, "me", "", None, steps, now, now)


def test_seconds_are_counted_apart_and_failures_with_them() -> None:
    first, second = summarize_seconds([record(0.1, 10), record(0.9, 30), record(1.5, 5, status=503)], BEGAN)
    assert (first.requests, first.failed, first.median_ms) == (2, 0, 10)
    assert (second.requests, second.failed) == (1, 1)


def test_a_business_has_one_owner_at_any_time() -> None:
    story = Story(
        BEGAN, moves=[("a", move(2, 2.5)), ("b", move(3, 3.1)), ("a", move(5, 5.2, "scheduling", "monolith"))]
    )
    assert owners_over_time(story, ["a", "b"], 9.0) == {
        "a": [(0.0, 2.0, "monolith"), (2.0, 5.0, "scheduling"), (5.0, 9.0, "monolith")],
        "b": [(0.0, 3.0, "monolith"), (3.0, 9.0, "scheduling")],
    }


def test_a_write_that_met_a_pause_is_told_from_one_that_did_not() -> None:
    records = [record(at, 10, "book") for at in (0.0, 1.0, 3.0)] + [record(1.99, 70, "book"), record(2.0, 12)]
    write_stalls, read_stalls, writes, reads = stalls(records, [WritePause(BEGAN + 2.0, BEGAN + 2.05)])
    assert write_stalls == [60.0]
    assert read_stalls == [12.0]
    assert (writes, reads) == ([10, 10, 10], [])


def test_the_page_says_when_the_ledger_disagrees(tmp_path: Path) -> None:
    story = Story(BEGAN, [(0.0, "it <begins>")], [("a", move(1, 1.05))])
    for verdict, words in (
        (LedgerReport(3, 1, 0, (), (), ()), "Every acknowledged result is stored exactly once"),
        (LedgerReport(3, 1, 0, ("gone",), (), ()), "The ledger contradicts the databases"),
    ):
        page = tmp_path / "page.html"
        write_page(page, story, [record(0.5, 10), record(1.5, 20)], ["a"], [verdict])
        assert words in page.read_text()
        assert "it &lt;begins&gt;" in page.read_text()
        assert "50 ms" in page.read_text()
