"""Compare two results of the generator: `extraction load compare A B`, with an exit code for CI.

Both runs sent the same schedule, so the run is cut into slices of equal length, and each slice of B is compared with
the same slice of A. The intervals are Student's over the slices, with Bonferroni's correction for the number of
comparisons that are judged. Slices of one run are not independent of each other as repeated runs would be: a
difference that matters deserves several runs of each, in alternation, as the laboratory makes them.
"""

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Final, Literal, NamedTuple

from loadtests.generator.api_client import LoadError
from loadtests.generator.estimates import CONFIDENCE, Estimate, mean, ratio
from loadtests.generator.junit import CheckedCondition, write_junit
from loadtests.generator.promises import PromiseLimits
from loadtests.generator.results import StoredRun, read_runs
from loadtests.generator.rows import RequestRow
from loadtests.generator.run_report import EXIT_INVALID, EXIT_THRESHOLD

SLICES: Final = 10
MIN_SLICES: Final = 5
MIN_ROWS: Final = 5
"""A slice with fewer requests is left out, and an estimate needs MIN_SLICES slices."""

Judgement = Literal["ok", "WORSE", "unknown"]
Rows = Sequence[RequestRow]


class Tolerances(NamedTuple):
    """B is worse only beyond these: `latency` is a ratio of medians; `points` are percentage points of kept promises
    and of conflicts."""

    latency: float = 1.1
    points: float = 2.0


class Comparison(NamedTuple):
    """One figure of one module; `estimate` is None where the requests are too few."""

    pair: str
    module: str
    figure: str
    estimate: Estimate | None
    judgement: Judgement


def compare(one: Path, other: Path, promises: PromiseLimits, tolerances: Tolerances, junit: Path | None) -> int:
    """Print the comparison; return the exit code.

    0: B is not worse than A. EXIT_THRESHOLD: it is. EXIT_INVALID: a run is invalid or a module has too few requests, so
    nothing can be claimed. Raises LoadError for folders without results, or with different schedules.
    """
    pairs = _pairs(read_runs(one), read_runs(other))
    problems = [f"{run.folder}: {problem}" for pair in pairs for run in pair for problem in run.description.problems]
    found = [line for pair in pairs for line in compare_runs(*pair, promises, tolerances, len(pairs))]
    for line in found:
        _print(_describe(line))
    for problem in problems:
        _print(f"INVALID: {problem}")
    if junit is not None:
        write_junit(junit, "extraction load compare", [*_validity_cases(problems), *map(_case, found)])
    if problems:
        return EXIT_INVALID
    if any(line.judgement == "WORSE" for line in found):
        return EXIT_THRESHOLD
    return EXIT_INVALID if any(line.judgement == "unknown" for line in found) else 0


def compare_runs(
    one: StoredRun, other: StoredRun, promises: PromiseLimits, tolerances: Tolerances, pairs: int = 1
) -> list[Comparison]:
    """Compare B with A by module: the latency, the kept promises and the conflicts."""
    name = f"{other.description.side or 'B'} / {one.description.side or 'A'}"
    modules = sorted({row.module for row in one.rows} | {row.module for row in other.rows})
    confidence = 1 - (1 - CONFIDENCE) / (3 * len(modules) * pairs)
    found = []
    for module in modules:
        slices = [
            (first, second)
            for first, second in zip(_slices(one, module), _slices(other, module), strict=True)
            if min(len(first), len(second)) >= MIN_ROWS
        ]
        found += [
            _compare_latency(name, module, slices, tolerances, confidence),
            _compare_shares(name, module, "kept", promises.kept, slices, -tolerances.points, confidence),
            _compare_shares(
                name, module, "conflicts", lambda row: row.outcome == "conflict", slices, tolerances.points, confidence
            ),
        ]
    return found


def _pairs(ones: Sequence[StoredRun], others: Sequence[StoredRun]) -> list[tuple[StoredRun, StoredRun]]:
    """Pair the runs of equal sides; two single runs are a pair, also of different sides."""
    if len(ones) == len(others) == 1:
        pairs = [(ones[0], others[0])]
    else:
        by_side = {run.description.side: run for run in others}
        pairs = [(run, by_side[run.description.side]) for run in ones if run.description.side in by_side]
    if not pairs:
        raise LoadError("the two results have no side in common: name the folder of one side in each")
    for one, other in pairs:
        _require_same_schedule(one, other)
    return pairs


def _require_same_schedule(one: StoredRun, other: StoredRun) -> None:
    mine, theirs = one.description.schedule, other.description.schedule
    different = [f"{name} {mine[name]} and {theirs[name]}" for name in mine if mine[name] != theirs[name]]
    if different:
        raise LoadError(f"the runs received different schedules: {'; '.join(different)}")


def _slices(run: StoredRun, module: str) -> list[list[RequestRow]]:
    slices: list[list[RequestRow]] = [[] for _ in range(SLICES)]
    for row in run.rows:
        if row.module == module and row.due >= 0:
            slices[min(SLICES - 1, int(row.due / run.description.seconds * SLICES))].append(row)
    return slices


def _compare_latency(
    pair: str, module: str, slices: Sequence[tuple[Rows, Rows]], tolerances: Tolerances, confidence: float
) -> Comparison:
    medians = [(_median(second), _median(first)) for first, second in slices]
    known = [(second, first) for second, first in medians if second is not None and first is not None]
    if len(known) < MIN_SLICES:
        return Comparison(pair, module, "latency", None, "unknown")
    estimate = ratio(known, confidence)
    return Comparison(pair, module, "latency", estimate, "WORSE" if estimate.low > tolerances.latency else "ok")


def _median(rows: Rows) -> float | None:
    latencies = [row.latency for row in rows if row.answered_properly]
    return median(latencies) if latencies else None


def _compare_shares(
    pair: str,
    module: str,
    figure: str,
    counts: Callable[[RequestRow], bool],
    slices: Sequence[tuple[Rows, Rows]],
    tolerance: float,
    confidence: float,
) -> Comparison:
    """Compare a share in percentage points; a negative tolerance means that less is worse."""
    if len(slices) < MIN_SLICES:
        return Comparison(pair, module, figure, None, "unknown")
    differences = [(fmean(map(counts, second)) - fmean(map(counts, first))) * 100 for first, second in slices]
    estimate = mean(differences, confidence)
    worse = estimate.high < tolerance if tolerance < 0 else estimate.low > tolerance
    return Comparison(pair, module, figure, estimate, "WORSE" if worse else "ok")


def _describe(line: Comparison) -> str:
    return f"{line.judgement:<8} {line.pair}  {line.module:<14} {line.figure:<10} {_figure(line)}"


def _figure(line: Comparison) -> str:
    if line.estimate is None:
        return "too few requests"
    value, low, high, _ = line.estimate
    if line.figure == "latency":
        return f"× {value:.2f} ({low:.2f} to {high:.2f})"
    bounds = f" ({low:+.1f} to {high:+.1f})" if math.isfinite(high) else ""
    return f"{value:+.1f} points{bounds}"


def _validity_cases(problems: Sequence[str]) -> list[CheckedCondition]:
    return [CheckedCondition("generator", "both generators kept their schedules", "; ".join(problems))]


def _case(line: Comparison) -> CheckedCondition:
    figure = _figure(line)
    failure = "" if line.judgement == "ok" else f"{line.judgement}: {figure}"
    return CheckedCondition(f"compare.{line.pair}".replace(" ", ""), f"{line.module} {line.figure}", failure, figure)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
