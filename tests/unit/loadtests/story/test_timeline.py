"""The story's page and the data behind it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from loadtests.bench.cutover_pauses import describe_failures, stalls
from loadtests.harness.cutovers import WritePause
from loadtests.harness.traffic.ledger import LedgerReport
from loadtests.harness.traffic.open_loop import TrafficRecord
from loadtests.story.page import write_page
from loadtests.story.timeline import Story, owners_over_time, summarize_seconds
from monolith.cutover.store.cutovers import Cutover

BEGAN = 1_000_000.0


def traffic_record(at: float, ms: float, kind: str = "read", status: int = 200) -> TrafficRecord:
    return TrafficRecord("people", kind, BEGAN + at, ms, status, status)


def cutover(fenced: float, active: float, source: Any = "monolith", target: Any = "scheduling") -> Cutover:
    def moment(at: float) -> str:
        return datetime.fromtimestamp(BEGAN + at, UTC).isoformat()

    steps = [{"state": "fenced", "at": moment(fenced)}, {"state": "active", "at": moment(active)}]
    now = datetime.now(UTC)
    return Cutover(uuid4(), uuid4(), source, target, 1, 1, "active", 2.0, now, now, "me", "", None, steps, now, now)


def test_requests_and_failures_are_counted_per_second() -> None:
    first, second = summarize_seconds(
        [traffic_record(0.1, 10), traffic_record(0.9, 30), traffic_record(1.5, 5, status=503)], BEGAN
    )
    assert (first.requests, first.failed, first.median_ms) == (2, 0, 10)
    assert (second.requests, second.failed) == (1, 1)


def test_ownership_spans_cover_the_story() -> None:
    story = Story(
        BEGAN,
        cutovers=[("a", cutover(2, 2.5)), ("b", cutover(3, 3.1)), ("a", cutover(5, 5.2, "scheduling", "monolith"))],
    )
    assert owners_over_time(story, ["a", "b"], 9.0) == {
        "a": [(0.0, 2.0, "monolith"), (2.0, 5.0, "scheduling"), (5.0, 9.0, "monolith")],
        "b": [(0.0, 3.0, "monolith"), (3.0, 9.0, "scheduling")],
    }


def test_stalls_separate_requests_that_overlap_a_pause() -> None:
    records = [traffic_record(at, 10, "book") for at in (0.0, 1.0, 3.0)] + [
        traffic_record(1.99, 70, "book"),
        traffic_record(2.0, 12),
    ]
    write_stalls, read_stalls, writes, reads = stalls(records, [WritePause(BEGAN + 2.0, BEGAN + 2.05)])
    assert write_stalls == [60.0]
    assert read_stalls == [12.0]
    assert (writes, reads) == ([10, 10, 10], [])


def test_failures_are_described_with_the_nearest_pause() -> None:
    pauses = [WritePause(BEGAN + 2.0, BEGAN + 2.05), WritePause(BEGAN + 9.0, BEGAN + 9.05)]
    refused = TrafficRecord("people", "read", BEGAN + 8.5, 251.4, 503, 503, problem="unavailable")
    assert describe_failures([traffic_record(3.0, 10), traffic_record(3.0, 20, "book", 409), refused], pauses) == [
        "read failed after 251 ms with 503 unavailable, due 0.50 s before a pause began"
    ]


def test_page_reports_a_ledger_that_contradicts_the_database(tmp_path: Path) -> None:
    story = Story(BEGAN, [(0.0, "it <starts>")], [("a", cutover(1, 1.05))])
    for report, sentence in (
        (LedgerReport(3, 1, 0, (), (), ()), "Every acknowledged result is stored exactly once"),
        (LedgerReport(3, 1, 0, ("gone",), (), ()), "The ledger contradicts the databases"),
    ):
        page = tmp_path / "page.html"
        write_page(page, story, [traffic_record(0.5, 10), traffic_record(1.5, 20)], ["a"], [report])
        assert sentence in page.read_text()
        assert "it &lt;starts&gt;" in page.read_text()
        assert "50 ms" in page.read_text()
