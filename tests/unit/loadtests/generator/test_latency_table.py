import math

from loadtests.generator.latency_table import format_share, format_table, list_errors, send_delay, summarize
from loadtests.generator.rows import RequestOutcome, RequestRow


def rows(side: str, module: str, milliseconds: list[float], outcome: RequestOutcome = "ok") -> list[RequestRow]:
    return [RequestRow(side, module, "search", 10.0, 10.001, 10.0 + ms / 1000, outcome) for ms in milliseconds]


def test_latency_counts_from_the_intended_start() -> None:
    late = RequestRow("http", "auth", "me", due=1.0, sent=3.0, answered=3.1, outcome="ok")
    assert round(late.latency, 6) == 2.1


def test_adapters_are_in_adjacent_lines_by_module() -> None:
    found = summarize([*rows("in_process", "scheduling", [5.0]), *rows("in_process", "auth", [1.0]),
                       *rows("http", "scheduling", [7.0]), *rows("http", "auth", [2.0])])  # fmt: skip
    assert [(line.name, line.side, line.max) for line in found] == [
        ("auth", "in_process", found[0].max), ("auth", "http", found[1].max),
        ("scheduling", "in_process", found[2].max), ("scheduling", "http", found[3].max),
    ]  # fmt: skip
    assert [round(line.max or 0) for line in found] == [1, 2, 5, 7]


def test_percentile_requires_rows_beyond_it() -> None:
    few, many = rows("http", "auth", [1.0] * 39), rows("http", "auth", [1.0] * 40)
    assert summarize(few)[0].p95 is None
    assert summarize(few)[0].p50 is not None
    assert summarize(many)[0].p95 is not None
    assert summarize(many)[0].p99 is None


def test_requests_without_a_proper_response_are_infinitely_late() -> None:
    """A system must not look faster the more requests it rejects."""
    found = summarize(
        [
            *rows("http", "scheduling", [5.0] * 3),
            *rows("http", "scheduling", [8.0], "conflict"),
            *rows("http", "scheduling", [30_000.0], "error"),
            *rows("http", "scheduling", [0.0], "dropped"),
        ]
    )
    line = found[0]
    assert line.p50 is not None
    assert round(line.p50) == 5
    assert (line.requests, line.conflicts, line.errors, line.dropped) == (6, 1, 1, 1)
    assert line.max is not None
    assert round(line.max) == 8


def test_percentile_within_the_failed_share_is_infinite() -> None:
    line = summarize([*rows("http", "auth", [5.0] * 90), *rows("http", "auth", [1.0] * 10, "error")])[0]
    assert (line.p95, line.kept) == (math.inf, 0.9)
    assert "∞" in format_table([line])


def test_table_by_journey_is_sorted_by_module() -> None:
    search, me = rows("http", "scheduling", [5.0])[0], rows("http", "auth", [1.0])[0]._replace(journey="me")
    found = summarize([search, me, search._replace(journey="hold")], "journey")
    assert [line.name for line in found] == ["me", "hold", "search"]
    assert format_table(found, "journey").split()[0] == "journey"


def test_only_a_whole_share_reads_as_100_percent() -> None:
    assert [format_share(share) for share in (1.0, 0.99999, 0.5, None)] == ["100.0%", "99.9%", "50.0%", "-"]


def test_module_without_responses_has_no_latency() -> None:
    line = summarize(rows("http", "auth", [1.0], "error"))[0]
    assert (line.p50, line.max) == (None, None)
    assert " - " in format_table([line])


def test_table_is_aligned_and_fits_a_terminal() -> None:
    text = format_table(summarize([*rows("in_process", "auth", [1.0] * 600), *rows("http", "auth", [12_345.6] * 600)]))
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[1].split()[:3] == ["auth", "in_process", "600"]
    assert lines[2].split()[:2] == ["http", "600"]


def test_send_delay_ignores_dropped_requests() -> None:
    assert send_delay([]) is None
    found = send_delay(rows("http", "auth", [500.0]))
    assert found is not None
    assert round(found, 6) == 0.001


def test_errors_are_grouped_by_journey_and_status() -> None:
    lost = RequestRow("http", "auth", "me", 0, 0, 1, "error")
    refused = RequestRow("http", "scheduling", "book", 0, 0, 1, "error", 503)
    assert list_errors([lost, refused, refused]) == ["2 × book (http): status 503", "1 × me (http): no response"]
