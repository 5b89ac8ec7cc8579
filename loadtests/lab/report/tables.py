"""Tables of the figures at the peak, by module and arm."""

from collections.abc import Callable, Iterable, Sequence
from html import escape

from loadtests.lab.report.figures import ReportFigures, lower_median
from loadtests.lab.results.model import MODULES, ModuleResult, Run

_SCHEDULING_ONLY = "bookings/s"
_HEAD = (
    "arm", "p50 ms", "p95 ms", "p99 ms", "within SLO", "within SLO/s", "errors", "conflicts", "dropped",
    _SCHEDULING_ONLY, "CPU ms per request", "statements ms per request", "pool wait ms per request",
)  # fmt: skip


def peak_tables(figures: ReportFigures) -> str:
    """Return a table for each module: medians over an arm's valid runs; shares are of all arrivals."""
    drawn = []
    for module in MODULES:
        rows = [_row(arm, module, list(runs.values())) for arm in figures.arms if (runs := figures.peak(arm))]
        if rows:
            head = "".join(f"<th>{name}</th>" for name in _HEAD if name != _SCHEDULING_ONLY or module == "scheduling")
            table = f'<table class="figures"><tr>{head}</tr>{"".join(rows)}</table>'
            drawn.append(f'<h3>{module}</h3><div class="wide">{table}</div>')
    return "".join(drawn) or "<p>No valid run at the peak.</p>"


def _row(arm: str, module: str, runs: Sequence[Run]) -> str:
    results = [run.modules[module] for run in runs]
    cells = [
        *(_median(each(result) for result in results) for each in _PERCENTILES),
        _share(results, lambda result: result.good),
        _median(result.good / run.seconds for result, run in zip(results, runs, strict=True)),
        *(_share(results, count) for count in _COUNTS),
        *([_median(run.bookings / run.seconds for run in runs)] if module == "scheduling" else []),
        *(_median(_per_request(run, module, cost) for run in runs) for cost in _COSTS),
    ]
    return f"<tr><th>{escape(arm)}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


_Figure = Callable[[ModuleResult], float | None]
_Count = Callable[[ModuleResult], int]
_Cost = Callable[[Run], dict[str, float]]

_PERCENTILES: tuple[_Figure, ...] = (
    lambda result: result.p50_ms,
    lambda result: result.p95_ms,
    lambda result: result.p99_ms,
)
_COUNTS: tuple[_Count, ...] = (
    lambda result: result.errors,
    lambda result: result.conflicts,
    lambda result: result.dropped,
)
_COSTS: tuple[_Cost, ...] = (
    lambda run: run.costs.web_cpu_ms,
    lambda run: run.costs.db_ms,
    lambda run: run.costs.pool_wait_ms,
)


def _per_request(run: Run, module: str, cost: _Cost) -> float | None:
    """Return the cost per request that was sent."""
    result = run.modules[module]
    sent = result.arrivals - result.dropped
    return cost(run).get(module, 0.0) / sent if sent and cost(run) else None


def _median(values: Iterable[float | None]) -> str:
    found = lower_median(values)
    if found is None:
        return "-"
    return f"{found:,.0f}" if found >= 100 else f"{found:.3g}"


def _share(results: Sequence[ModuleResult], count: _Count) -> str:
    arrivals = sum(result.arrivals for result in results)
    return f"{sum(map(count, results)) / arrivals:.1%}".replace(".0%", "%") if arrivals else "-"
