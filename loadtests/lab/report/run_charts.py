"""The report's drawings of whole runs: what was offered and answered, and what became of every arrival."""

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
_SECONDS_A_BIN = 1.0


def arm_class(arm: str) -> str:
    """The CSS class that has the arm's colour; remedies of the reader's own share one."""
    return f"arm{list(ARMS).index(arm) if arm in ARMS else len(ARMS)}"


def arms_legend(arms: Sequence[str]) -> str:
    return legend([(arm, arm_class(arm)) for arm in arms])


def load_curves(figures: ReportFigures) -> str:
    """Goodput and p99 of scheduling at steady rates; R* and the rate of the verdict as upright lines."""
    steps = figures.results.steps
    arms = sort_arms(step.arm for step in steps)
    if not arms:
        return "<p>No steady rates were asked.</p>"
    conditions = figures.conditions
    upright = [
        ReferenceLine(conditions.capacity, "R*"),
        ReferenceLine(conditions.forecast * figures.headroom, f"forecast × {figures.headroom:g}"),
    ]
    x = axis([*(step.rate for step in steps), *(mark.at for mark in upright)], "offered, requests/s", zero=True)
    good, late = [], []
    for arm in arms:
        mine = _at_their_best(step for step in steps if step.arm == arm)
        good.append(ChartSeries(arm, arm_class(arm), [(step.rate, step.goodput) for step in mine]))
        late.append(ChartSeries(arm, arm_class(arm), [(step.rate, step.p99_ms) for step in mine if step.p99_ms]))
    diagonal = ChartSeries("offered", "offered", [(0, 0), (x.high, x.high)], dashed=True)
    goodput = axis([point[1] for each in good for point in each.points] + [x.high], "answered in time, /s", zero=True)
    promise = figures.thresholds.slo_p99_ms["scheduling"]
    tail = axis([*(point[1] for each in late for point in each.points), promise], "p99, ms", log=True)
    return (
        arms_legend(arms)
        + chart("Offered rate against goodput", x, goodput, [diagonal, *good], upright=upright)
        + chart(
            "Offered rate against p99", x, tail, late, across=[ReferenceLine(promise, "the promise")], upright=upright
        )
    )


def _at_their_best(steps: Iterable[Step]) -> list[Step]:
    """Ascending by rate; of a rate that was asked twice, the answer that counts."""
    best = {step.rate: step for step in sorted(steps, key=lambda step: step.good)}
    return [best[rate] for rate in sorted(best)]


def percentile_curves(figures: ReportFigures, raw: RawRows) -> str:
    """Of each module in each arm's middle run at the peak: from the intended start, and the service alone (dashed)."""
    rows = _middle_rows(figures, raw)
    if not rows:
        return _NO_ROWS
    drawn = [arms_legend(list(rows))]
    ticks = [(_depth(share), f"{share:.1%}".replace(".0%", "%")) for share in (0.5, 0.9, 0.99, 0.999)]
    for module in MODULES:
        series = []
        for arm, found in rows.items():
            mine = [row for row in found if row.as_row(arm).module == module and _answered(row)]
            felt = [(row.answered - row.due) * 1000 for row in mine]
            served = [(row.answered - row.sent) * 1000 for row in mine]
            series.append(ChartSeries(arm, arm_class(arm), _curve(felt)))
            series.append(ChartSeries(f"{arm}, service", arm_class(arm), _curve(served), dashed=True))
        values = [point[1] for each in series for point in each.points]
        x = Axis(_depth(0.01), _depth(0.999), "share of answers", ticks=ticks)
        promise = ReferenceLine(figures.thresholds.slo_p99_ms[module], "the promise")
        y = axis([*values, promise.at], "ms", log=True)
        drawn.append(f"<h3>{module}</h3>" + chart(f"Percentiles of {module}", x, y, series, across=[promise]))
    return "".join(drawn)


def timelines(figures: ReportFigures, raw: RawRows) -> str:
    """The middle run of each arm at the peak, second by second."""
    rows = _middle_rows(figures, raw)
    if not rows:
        return _NO_ROWS
    promise = figures.thresholds.slo_p99_ms["scheduling"] / 1000
    seconds = figures.conditions.seconds
    first = next(iter(rows.values()))
    offered = ChartSeries(
        "offered", "offered", _per_second([row for row in first if _scheduling(row)], seconds), dashed=True
    )
    good, others = [offered], []
    for arm, found in rows.items():
        in_time = [row for row in found if _scheduling(row) and _answered(row) and row.answered - row.due <= promise]
        good.append(ChartSeries(arm, arm_class(arm), _per_second(in_time, seconds)))
        rest = [row for row in found if not _scheduling(row) and _answered(row)]
        others.append(ChartSeries(arm, arm_class(arm), _tails(rest, seconds)))
    x = Axis(0, seconds, "seconds")
    rate = axis([point[1] for each in good for point in each.points], "scheduling in time, /s", zero=True)
    late = axis([point[1] for each in others for point in each.points], "other modules, p90 ms", log=True)
    return (
        arms_legend(list(rows))
        + chart("Scheduling answered in time, by the second", x, rate, good)
        + chart("Latency of the other modules, by two seconds", x, late, others)
    )


def drift(figures: ReportFigures) -> str:
    """Each run's scheduling tail at the peak in the order of measurement: a machine that tires shows here."""
    runs = [run for run in figures.results.runs if run.scenario != IDLE and run.valid]
    placed = [(number + 1, run, figures.tail_ms(run, "scheduling")) for number, run in enumerate(runs)]
    known = [(number, run, tail) for number, run, tail in placed if tail]
    if not known:
        return "<p>No valid run at the peak.</p>"
    series = [
        ChartSeries(arm, arm_class(arm), [(number, tail) for number, run, tail in known if run.arm == arm])
        for arm in figures.arms
    ]
    x = axis([number for number, _, _ in known], "order of measurement")
    y = axis([tail for _, _, tail in known], f"scheduling {figures.tail_name('scheduling')}, ms", log=True)
    return arms_legend(figures.arms) + chart("Drift by order", x, y, series, dots=True)


_NO_ROWS = "<p>The raw rows are not there any more.</p>"


def _middle_rows(figures: ReportFigures, raw: RawRows) -> dict[str, list[RawRow]]:
    """Of each arm's middle run at the peak, as far as they are there."""
    runs = {arm: run for arm in figures.arms if arm != REPEAT and (run := figures.middle_run(arm))}
    return {arm: found for arm, run in runs.items() if (found := raw.get(run.folder))}


def _scheduling(row: RawRow) -> bool:
    return row.as_row("").module == "scheduling"


def _answered(row: RawRow) -> bool:
    return row.outcome in ("ok", "conflict")


def _depth(share: float) -> float:
    """So that each nine takes the same room."""
    return -log10(1 - share)


def _curve(values: Sequence[float]) -> list[tuple[float, float]]:
    """Where at least two lie beyond."""
    return [(_depth(share), max(0.1, percentile(values, share))) for share in _SHARES if len(values) * (1 - share) >= 2]


def _per_second(rows: Sequence[RawRow], seconds: float) -> list[tuple[float, float]]:
    counts = [0] * max(1, int(seconds))
    for row in rows:
        counts[min(len(counts) - 1, int(row.due / _SECONDS_A_BIN))] += 1
    return [(second + 0.5, float(count)) for second, count in enumerate(counts)]


def _tails(rows: Sequence[RawRow], seconds: float) -> list[tuple[float, float]]:
    bins: dict[int, list[float]] = {}
    for row in rows:
        bins.setdefault(int(row.due / 2), []).append((row.answered - row.due) * 1000)
    return [(2 * place + 1, percentile(values, 0.9)) for place, values in sorted(bins.items()) if len(values) >= 3]
