"""Thresholds: conditions on a run's figures, such as `scheduling.p99<800ms`, which decide its exit code.

A threshold holds only if the figure is known. A percentile with too few requests beyond it is unknown.
"""

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from loadtests.generator.api_client import LoadError
from loadtests.generator.estimates import known_percentile
from loadtests.generator.journeys import SESSIONS
from loadtests.generator.latency_table import format_share, latencies_ms
from loadtests.generator.promises import PromiseLimits, count_sessions, kept_share
from loadtests.generator.quantities import require_name
from loadtests.generator.rows import RequestRow

NO_FAILURES: Final = "failed<=0"
"""The threshold of a run without thresholds."""
SYNTAX: Final = (
    "write [NAME.]METRIC OPERATOR VALUE, such as scheduling.p99<800ms, errors<1% or reserve.completed>=95%; NAME is a "
    "module, journey or session; METRIC is pNN or max (value in ms or s), errors, dropped, failed or conflicts (a "
    "number or a percentage), kept, or a session's completed (a percentage); OPERATOR is <, <=, > or >="
)
_EXPRESSION = re.compile(
    r"(?:(?P<name>[a-z_]+)\.)?(?P<metric>p\d{1,2}(?:\.\d+)?|[a-z]+)\s*(?P<comparison><=|>=|<|>)\s*"
    r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|%)?"
)
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_COUNTED: Mapping[str, Callable[[RequestRow], bool]] = {
    "errors": lambda row: row.outcome == "error",
    "dropped": lambda row: row.outcome == "dropped",
    "failed": lambda row: not row.answered_properly,
    "conflicts": lambda row: row.outcome == "conflict",
}
_SHARES = ("kept", "completed")


class Threshold(NamedTuple):
    """`bound` is in the unit of the expression: milliseconds for latencies, percent for shares, else a count."""

    expression: str
    name: str
    metric: str
    comparison: str
    bound: float
    unit: str


class ThresholdResult(NamedTuple):
    """The figure of one side as text, and whether it satisfies the threshold."""

    expression: str
    side: str
    figure: str
    satisfied: bool


def parse_thresholds(expressions: Iterable[str]) -> list[Threshold]:
    """Raises LoadError, whose message shows the syntax."""
    return [_parse(expression) for expression in expressions]


def check_thresholds(
    thresholds: Sequence[Threshold], rows: Sequence[RequestRow], limits: PromiseLimits
) -> list[ThresholdResult]:
    """Check each threshold for each side, in the order of measurement."""
    sides = list(dict.fromkeys(row.side for row in rows)) or [""]
    return [
        _check(threshold, side, [row for row in rows if row.side == side], limits)
        for side in sides
        for threshold in thresholds
    ]


def format_result(result: ThresholdResult) -> str:
    side = f" ({result.side})" if result.side else ""
    return f"{'ok' if result.satisfied else 'NOT OK':<7} {result.expression}{side}: {result.figure}"


def _parse(expression: str) -> Threshold:
    found = _EXPRESSION.fullmatch(expression.strip())
    if found is None:
        raise LoadError(f"threshold {expression!r} cannot be read: {SYNTAX}")
    name, metric, unit = found["name"] or "", found["metric"], found["unit"] or ""
    is_latency = metric == "max" or (metric[0] == "p" and metric[1:2].isdigit())
    if not is_latency and metric not in _COUNTED and metric not in _SHARES:
        raise LoadError(f"threshold {expression!r} has an unknown metric {metric!r}: {SYNTAX}")
    if is_latency and not (metric == "max" or 0 < float(metric[1:]) < 100):
        raise LoadError(f"threshold {expression!r}: a percentile is between 0 and 100")
    if name:
        require_name(name, f"threshold {expression!r}")
    if metric == "completed" and name not in SESSIONS:
        raise LoadError(f"threshold {expression!r}: only a session is completed ({', '.join(SESSIONS)})")
    units = {"ms", "s"} if is_latency else {"%"} if metric in _SHARES else {"", "%"}
    if unit not in units:
        raise LoadError(f"threshold {expression!r}: {metric} needs a value in {' or '.join(sorted(units - {''}))}")
    bound = float(found["number"]) * (1000 if unit == "s" else 1)
    return Threshold(expression.strip(), name, metric, found["comparison"], bound, unit)


def _check(threshold: Threshold, side: str, rows: Sequence[RequestRow], limits: PromiseLimits) -> ThresholdResult:
    chosen = [row for row in rows if threshold.name in ("", row.module, row.journey, row.session)]
    figure, text = _figure(threshold, chosen, limits)
    satisfied = figure is not None and _COMPARISONS[threshold.comparison](figure, threshold.bound)
    return ThresholdResult(threshold.expression, side, text, satisfied)


def _figure(threshold: Threshold, rows: Sequence[RequestRow], limits: PromiseLimits) -> tuple[float | None, str]:
    """Return the figure in the unit of the threshold, or None if unknown, and as text."""
    if not rows:
        return None, "unknown, because there were no requests"
    if threshold.metric in _COUNTED:
        count = sum(map(_COUNTED[threshold.metric], rows))
        if not threshold.unit:
            return count, str(count)
        return count / len(rows) * 100, f"{count / len(rows):.2%}, {count} of {len(rows)} requests"
    if threshold.metric in _SHARES:
        share = _share(threshold, rows, limits)
        return share * 100, format_share(share)
    return _latency(threshold.metric, rows)


def _share(threshold: Threshold, rows: Sequence[RequestRow], limits: PromiseLimits) -> float:
    if threshold.name in SESSIONS:
        (count,) = count_sessions(rows, limits)
        return (count.completed if threshold.metric == "completed" else count.kept) / count.begun
    return kept_share(rows, limits) or 0.0


def _latency(metric: str, rows: Sequence[RequestRow]) -> tuple[float | None, str]:
    milliseconds = latencies_ms(rows)
    value = max(milliseconds) if metric == "max" else known_percentile(milliseconds, float(metric[1:]) / 100)
    if value is None:
        return None, f"unknown, because {len(rows)} requests are too few for this percentile"
    if math.isinf(value):
        failed = sum(not row.answered_properly for row in rows)
        return value, f"no proper response, as for {failed} of {len(rows)} requests"
    return value, f"{value:.1f} ms"
