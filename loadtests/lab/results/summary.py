"""From raw rows to what a run came to: each module's figures, and whether the generator can be believed."""

from collections.abc import Mapping, Sequence
from statistics import median

from loadtests.generator.estimates import percentile
from loadtests.generator.latency_table import MIN_ROWS_BEYOND, RequestRow
from loadtests.generator.self_report import REQUEST_TIMEOUT_SECONDS, GeneratorReport
from loadtests.lab.results.model import MODULES, Generator, ModuleResult
from loadtests.lab.verdict.thresholds import Thresholds

_STEADY_ROWS = 30


def summarize_modules(rows: Sequence[RequestRow], slo_ms: Mapping[str, float]) -> dict[str, ModuleResult]:
    """Of the rows of one run, without its warm-up."""
    return {
        module: _result([row for row in rows if row.module == module], slo_ms.get(module, float("inf")))
        for module in MODULES
    }


def summarize_generator(rows: Sequence[RequestRow], report: GeneratorReport) -> Generator:
    """`rows` with the warm-up: some of it may still be under way at 0 s."""
    measured = [row for row in rows if row.due >= 0]
    sent = [row for row in measured if row.outcome != "dropped"]
    late = [row.sent - row.due for row in sent]
    seconds = max(report.seconds, 1e-9)
    under_way = sum(max(0.0, min(row.answered, seconds) - max(row.sent, 0.0)) for row in rows)
    return Generator(
        late_p99_ms=percentile(late, 0.99) * 1000 if late else 0.0,
        dropped_share=1 - len(sent) / len(measured) if measured else 0.0,
        cpu=report.cpu,
        in_flight=report.in_flight,
        in_flight_by_rows=under_way / seconds,
    )


def find_problems(
    rows: Sequence[RequestRow], generator: Generator, complete: bool, thresholds: Thresholds
) -> list[str]:
    """Why the run must not be believed, each in a sentence; none for a good one."""
    allowed, found = thresholds.validity, []
    if not complete:
        found.append("it was interrupted")
    if generator.late_p99_ms > allowed.most_late_ms:
        found.append(
            f"the generator was late: 99 of 100 requests left within {generator.late_p99_ms:.1f} ms of their time, "
            f"and {allowed.most_late_ms:g} are allowed"
        )
    if generator.dropped_share > allowed.most_dropped_share and _in_time_beside_the_dropped(rows, thresholds):
        found.append(
            f"{generator.dropped_share:.0%} of the arrivals were dropped although most of those beside them were "
            "answered in time: the generator allows too few requests under way for this rate"
        )
    if generator.cpu > allowed.most_cpu:
        found.append(f"the generator used {generator.cpu:.0%} of its core, and {allowed.most_cpu:.0%} is allowed")
    seen, counted = generator.in_flight, generator.in_flight_by_rows
    if abs(seen - counted) > max(1.0, allowed.little * max(seen, counted)):
        found.append(f"{seen:.1f} requests were under way on average, and the rows say {counted:.1f}: some are missing")
    if words := _unsteady(rows, allowed.steady):
        found.append(words)
    return found


def _in_time_beside_the_dropped(rows: Sequence[RequestRow], thresholds: Thresholds) -> bool:
    """If not, it was the servers that had no answer, and who was dropped is one of those that they turned away."""
    crowded = {(row.module, int(row.due)) for row in rows if row.outcome == "dropped"}
    beside = [row for row in rows if row.outcome in ("ok", "conflict") and (row.module, int(row.due)) in crowded]
    in_time = sum(row.latency * 1000 <= thresholds.slo_p99_ms.get(row.module, float("inf")) for row in beside)
    return in_time > len(beside) / 2


def _result(rows: Sequence[RequestRow], promised_ms: float) -> ModuleResult:
    answers = [row.latency * 1000 for row in rows if row.outcome in ("ok", "conflict")]
    dropped = sum(row.outcome == "dropped" for row in rows)
    # Without them the waits of an arm would look the shorter, the more people it turned away.
    waits = answers + [max(answers, default=REQUEST_TIMEOUT_SECONDS * 1000)] * dropped
    return ModuleResult(
        arrivals=len(rows),
        errors=sum(row.outcome == "error" for row in rows),
        dropped=dropped,
        conflicts=sum(row.outcome == "conflict" for row in rows),
        p50_ms=known_percentile(waits, 0.5),
        p95_ms=known_percentile(waits, 0.95),
        p99_ms=known_percentile(waits, 0.99),
        good=sum(milliseconds <= promised_ms for milliseconds in answers),
    )


def known_percentile(values: Sequence[float], share: float) -> float | None:
    """None where too few lie beyond it."""
    return percentile(values, share) if len(values) * (1 - share) >= MIN_ROWS_BEYOND else None


def _unsteady(rows: Sequence[RequestRow], most: float) -> str:
    """Whether the first searches of the run took longer than the next: then the warm-up was too short."""
    searches = [row.latency for row in rows if row.journey == "search" and row.outcome == "ok" and row.due >= 0]
    first, then = searches[:_STEADY_ROWS], searches[_STEADY_ROWS : 2 * _STEADY_ROWS]
    if len(then) < _STEADY_ROWS or median(first) <= most * median(then):
        return ""
    return (
        f"it was not warm: the first {_STEADY_ROWS} searches took {median(first) * 1000:.1f} ms, "
        f"the next {median(then) * 1000:.1f} ms"
    )
