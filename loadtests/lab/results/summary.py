"""Summaries of raw rows: the figures of each module, and the reasons why a run is invalid."""

from collections.abc import Mapping, Sequence
from statistics import median

from loadtests.generator.estimates import known_percentile, percentile
from loadtests.generator.rows import RequestRow
from loadtests.generator.self_report import REQUEST_TIMEOUT_SECONDS, GeneratorReport
from loadtests.lab.results.model import MODULES, Generator, ModuleResult
from loadtests.lab.verdict.thresholds import Thresholds

_WARM_UP_ROWS = 30


def summarize_modules(rows: Sequence[RequestRow], slo_ms: Mapping[str, float]) -> dict[str, ModuleResult]:
    """Summarize the rows of one run, without its warm-up, by module."""
    return {
        module: _summarize([row for row in rows if row.module == module], slo_ms.get(module, float("inf")))
        for module in MODULES
    }


def summarize_generator(rows: Sequence[RequestRow], report: GeneratorReport) -> Generator:
    """Summarize the generator; `rows` include the warm-up, some of which may still be in flight at 0 s."""
    measured = [row for row in rows if row.due >= 0]
    sent = [row for row in measured if row.outcome != "dropped"]
    late = [row.sent - row.due for row in sent]
    seconds = max(report.seconds, 1e-9)
    in_flight_seconds = sum(max(0.0, min(row.answered, seconds) - max(row.sent, 0.0)) for row in rows)
    return Generator(
        late_p99_ms=percentile(late, 0.99) * 1000 if late else 0.0,
        dropped_share=1 - len(sent) / len(measured) if measured else 0.0,
        cpu=report.cpu,
        in_flight=report.in_flight,
        in_flight_by_rows=in_flight_seconds / seconds,
    )


def find_problems(
    rows: Sequence[RequestRow], generator: Generator, complete: bool, thresholds: Thresholds
) -> list[str]:
    """Return the reasons why the run is invalid, one sentence each; empty for a valid run."""
    limits, found = thresholds.validity, []
    if not complete:
        found.append("the run was interrupted")
    if generator.late_p99_ms > limits.most_late_ms:
        found.append(
            f"the generator was late: p99 of the send delay was {generator.late_p99_ms:.1f} ms, "
            f"above the limit of {limits.most_late_ms:g} ms"
        )
    if generator.dropped_share > limits.most_dropped_share and _servers_kept_up(rows, thresholds):
        found.append(
            f"{generator.dropped_share:.0%} of the arrivals were dropped although most concurrent requests were "
            "answered within the SLO: the generator's limit of in-flight requests is too low for this rate"
        )
    if generator.cpu > limits.most_cpu:
        found.append(f"the generator used {generator.cpu:.0%} of its core, above the limit of {limits.most_cpu:.0%}")
    sampled, computed = generator.in_flight, generator.in_flight_by_rows
    if abs(sampled - computed) > max(1.0, limits.little * max(sampled, computed)):
        found.append(
            f"on average {sampled:.1f} requests were in flight, but the rows account for {computed:.1f}: "
            "rows are missing"
        )
    if problem := _insufficient_warm_up(rows, limits.steady):
        found.append(problem)
    return found


def _servers_kept_up(rows: Sequence[RequestRow], thresholds: Thresholds) -> bool:
    """Return whether most requests of the seconds with drops were answered in time; if not, the servers were
    overloaded, and the drops belong to their result."""
    crowded = {(row.module, int(row.due)) for row in rows if row.outcome == "dropped"}
    concurrent = [row for row in rows if row.outcome in ("ok", "conflict") and (row.module, int(row.due)) in crowded]
    in_time = sum(row.latency * 1000 <= thresholds.slo_p99_ms.get(row.module, float("inf")) for row in concurrent)
    return in_time > len(concurrent) / 2


def _summarize(rows: Sequence[RequestRow], slo_ms: float) -> ModuleResult:
    answers = [row.latency * 1000 for row in rows if row.outcome in ("ok", "conflict")]
    dropped = sum(row.outcome == "dropped" for row in rows)
    # Without the dropped arrivals, an arm would look faster the more of them it drops.
    latencies = answers + [max(answers, default=REQUEST_TIMEOUT_SECONDS * 1000)] * dropped
    return ModuleResult(
        arrivals=len(rows),
        errors=sum(row.outcome == "error" for row in rows),
        dropped=dropped,
        conflicts=sum(row.outcome == "conflict" for row in rows),
        p50_ms=known_percentile(latencies, 0.5),
        p95_ms=known_percentile(latencies, 0.95),
        p99_ms=known_percentile(latencies, 0.99),
        good=sum(milliseconds <= slo_ms for milliseconds in answers),
    )


def _insufficient_warm_up(rows: Sequence[RequestRow], max_ratio: float) -> str:
    """Return a problem when the first searches of the run were slower than the following ones, else an empty text."""
    searches = [row.latency for row in rows if row.journey == "search" and row.outcome == "ok" and row.due >= 0]
    first, then = searches[:_WARM_UP_ROWS], searches[_WARM_UP_ROWS : 2 * _WARM_UP_ROWS]
    if len(then) < _WARM_UP_ROWS or median(first) <= max_ratio * median(then):
        return ""
    return (
        f"the warm-up was too short: the median of the first {_WARM_UP_ROWS} searches was "
        f"{median(first) * 1000:.1f} ms, that of the next {_WARM_UP_ROWS} was {median(then) * 1000:.1f} ms"
    )
