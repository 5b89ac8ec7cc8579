"""Charts of runs: load curves, latency percentiles, timelines and drift."""

from collections.abc import Iterable, Sequence
from math import log10

from loadtests.generator.estimates import percentile
from loadtests.generator.rows import RawRow
from loadtests.lab.planning.arms import ARMS, REPEAT, sort_arms
from loadtests.lab.report.figures import IDLE, ReportFigures
from loadtests.lab.report.raw_rows import RawRows
from loadtests.lab.report.svg import Axis, ChartSeries, ReferenceLine, axis, chart, legend
from loadtests.lab.results.model import MODULES, Step

_SHARES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)
_NO_ROWS = "<p>The raw rows no longer exist.</p>"


def arm_class(arm: str) -> str:
    """Return the CSS class of the arm's colour; custom remedies share one."""
    return f"arm{list(ARMS).index(arm) if arm in ARMS else len(ARMS)}"


def arms_legend(arms: Sequence[str]) -> str:
    return legend([(arm, arm_class(arm)) for arm in arms])


def load_curves(figures: ReportFigures) -> str:
    """Return goodput and p99 of scheduling at steady rates, with R* and the verdict's rate as vertical lines."""
    steps = figures.results.steps
    arms = sort_arms(step.arm for step in steps)
    if not arms:
        return "<p>No steady rates were measured.</p>"
    conditions = figures.conditions
    vertical = [
        ReferenceLine(conditions.capacity, "R*"),
        ReferenceLine(conditions.forecast * figures.headroom, f"forecast × {figures.headroom:g}"),
    ]
    x = axis([*(step.rate for step in steps), *(line.at for line in vertical)], "offered, requests/s", zero=True)
    good, late = [], []
    for arm in arms:
        mine = _best_steps(step for step in steps if step.arm == arm)
        good.append(ChartSeries(arm, arm_class(arm), [(step.rate, step.goodput) for step in mine]))
        late.append(ChartSeries(arm, arm_class(arm), [(step.rate, step.p99_ms) for step in mine if step.p99_ms]))
    diagonal = ChartSeries("offered", "offered", [(0, 0), (x.high, x.high)], dashed=True)
    slo = figures.thresholds.slo_p99_ms["scheduling"]
    goodput = axis([point[1] for each in good for point in each.points] + [x.high], "within SLO, requests/s", zero=True)
    tail = axis([*(point[1] for each in late for point in each.points), slo], "p99, ms", log=True)
    return (
        arms_legend(arms)
        + chart("Goodput by offered load", x, goodput, [diagonal, *good], vertical=vertical)
        + chart("p99 by offered load", x, tail, late, horizontal=[ReferenceLine(slo, "SLO")], vertical=vertical)
    )


def _best_steps(steps: Iterable[Step]) -> list[Step]:
    """Return the steps in ascending order of rate; of a repeated rate, the better step."""
    best = {step.rate: step for step in sorted(steps, key=lambda step: step.good)}
    return [best[rate] for rate in sorted(best)]


def percentile_curves(figures: ReportFigures, raw: RawRows) -> str:
    """Return each module's percentiles in each arm's median run: response time, and service time (dashed)."""
    rows = _rows_of_median_runs(figures, raw)
    if not rows:
        return _NO_ROWS
    drawn = [arms_legend(list(rows))]
    ticks = [(_nines(share), f"{share:.1%}".replace(".0%", "%")) for share in (0.5, 0.9, 0.99, 0.999)]
    for module in MODULES:
        series = []
        for arm, found in rows.items():
            mine = [row for row in found if row.as_row(arm).module == module and _is_answered(row)]
            response_times = [(row.answered - row.due) * 1000 for row in mine]
            service_times = [(row.answered - row.sent) * 1000 for row in mine]
            series.append(ChartSeries(arm, arm_class(arm), _percentile_points(response_times)))
            series.append(
                ChartSeries(f"{arm}, service time", arm_class(arm), _percentile_points(service_times), dashed=True)
            )
        values = [point[1] for each in series for point in each.points]
        x = Axis(_nines(0.01), _nines(0.999), "percentile", ticks=ticks)
        slo = ReferenceLine(figures.thresholds.slo_p99_ms[module], "SLO")
        y = axis([*values, slo.at], "ms", log=True)
        drawn.append(f"<h3>{module}</h3>" + chart(f"Percentiles of {module}", x, y, series, horizontal=[slo]))
    return "".join(drawn)


def timelines(figures: ReportFigures, raw: RawRows) -> str:
    """Return goodput of scheduling and tail latency of the other modules over time, in each arm's median run."""
    rows = _rows_of_median_runs(figures, raw)
    if not rows:
        return _NO_ROWS
    slo_seconds = figures.thresholds.slo_p99_ms["scheduling"] / 1000
    seconds = figures.conditions.seconds
    first = next(iter(rows.values()))
    offered = ChartSeries(
        "offered", "offered", _count_per_second([row for row in first if _is_scheduling(row)], seconds), dashed=True
    )
    good, others = [offered], []
    for arm, found in rows.items():
        answered = [row for row in found if _is_answered(row)]
        within_slo = [row for row in answered if _is_scheduling(row) and row.answered - row.due <= slo_seconds]
        good.append(ChartSeries(arm, arm_class(arm), _count_per_second(within_slo, seconds)))
        others.append(ChartSeries(arm, arm_class(arm), _p90_over_time([r for r in answered if not _is_scheduling(r)])))
    x = Axis(0, seconds, "seconds")
    rate = axis([point[1] for each in good for point in each.points], "scheduling within SLO, requests/s", zero=True)
    late = axis([point[1] for each in others for point in each.points], "other modules, p90 ms", log=True)
    return (
        arms_legend(list(rows))
        + chart("Goodput of scheduling per second", x, rate, good)
        + chart("Latency of the other modules in intervals of two seconds", x, late, others)
    )


def drift(figures: ReportFigures) -> str:
    """Return each run's scheduling tail at the peak in order of measurement, to show a drift of the machine."""
    runs = [run for run in figures.results.runs if run.scenario != IDLE and run.valid]
    numbered = [(number + 1, run, figures.tail_ms(run, "scheduling")) for number, run in enumerate(runs)]
    known = [(number, run, tail) for number, run, tail in numbered if tail]
    if not known:
        return "<p>No valid run at the peak.</p>"
    series = [
        ChartSeries(arm, arm_class(arm), [(number, tail) for number, run, tail in known if run.arm == arm])
        for arm in figures.arms
    ]
    x = axis([number for number, _, _ in known], "order of measurement")
    y = axis([tail for _, _, tail in known], f"scheduling {figures.tail_name('scheduling')}, ms", log=True)
    return arms_legend(figures.arms) + chart("Tail latency by order of measurement", x, y, series, dots=True)


def _rows_of_median_runs(figures: ReportFigures, raw: RawRows) -> dict[str, list[RawRow]]:
    """Return the rows of each arm's median run at the peak, as far as they exist."""
    runs = {arm: run for arm in figures.arms if arm != REPEAT and (run := figures.median_run(arm))}
    return {arm: found for arm, run in runs.items() if (found := raw.get(run.folder))}


def _is_scheduling(row: RawRow) -> bool:
    return row.as_row("").module == "scheduling"


def _is_answered(row: RawRow) -> bool:
    return row.outcome in ("ok", "conflict")


def _nines(share: float) -> float:
    """Return the number of nines of a percentile: 2 for 0.99; an axis of these gives each nine the same width."""
    return -log10(1 - share)


def _percentile_points(values: Sequence[float]) -> list[tuple[float, float]]:
    """Return the percentiles with at least two values beyond them."""
    return [(_nines(share), max(0.1, percentile(values, share))) for share in _SHARES if len(values) * (1 - share) >= 2]


def _count_per_second(rows: Sequence[RawRow], seconds: float) -> list[tuple[float, float]]:
    counts = [0] * max(1, int(seconds))
    for row in rows:
        counts[min(len(counts) - 1, int(row.due))] += 1
    return [(second + 0.5, float(count)) for second, count in enumerate(counts)]


def _p90_over_time(rows: Sequence[RawRow]) -> list[tuple[float, float]]:
    """Return the 90th percentile of each interval of two seconds with at least three rows."""
    bins: dict[int, list[float]] = {}
    for row in rows:
        bins.setdefault(int(row.due / 2), []).append((row.answered - row.due) * 1000)
    return [(2 * place + 1, percentile(values, 0.9)) for place, values in sorted(bins.items()) if len(values) >= 3]
