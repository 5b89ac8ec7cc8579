"""Charts of trials: the share of arrivals served by rate, and the drift of the capacities over the blocks."""

from collections.abc import Sequence

from loadtests.lab.report.capacity_axis import arm_class
from loadtests.lab.report.figures import ReportFigures
from loadtests.lab.report.svg import Axis, ChartSeries, ReferenceLine, axis, chart, legend
from loadtests.lab.results.model import Trial


def arms_legend(arms: Sequence[str]) -> str:
    return legend([(arm, arm_class(arm)) for arm in arms])


def served_by_rate(figures: ReportFigures) -> str:
    """Return the share that was served in the worst module, by rate: one dot for each valid trial."""
    series, rates = [], []
    for arm in figures.arms:
        trials = [trial for trial in figures.record.of("capacity", arm) if trial.valid]
        points = [(trial.rate, 100 * _served(trial)) for trial in trials]
        rates += [rate for rate, _ in points]
        series.append(ChartSeries(arm, arm_class(arm), points))
    if not rates:
        return "<p>No valid trial.</p>"
    x = axis(rates, "scheduling arrivals a second", zero=True)
    y = Axis(0.0, 100.0, "served in the worst module, %")
    promised = 100 * figures.scenario.promises.answered
    lines = [ReferenceLine(promised, f"promised: {promised:g} %")]
    title = "Share of arrivals served, by rate"
    return arms_legend(figures.arms) + chart(title, x, y, series, horizontal=lines, dots=True)


def _served(trial: Trial) -> float:
    return min((result.good / result.arrivals for result in trial.modules.values() if result.arrivals), default=0.0)


def drift(figures: ReportFigures) -> str:
    """Return each arm's capacity by block; empty with fewer than two blocks."""
    series = []
    for arm in figures.arms:
        points = [
            (float(block), capacity)
            for block in figures.blocks
            for bracket in figures.record.brackets(arm, [block])
            if (capacity := bracket.capacity) is not None
        ]
        if len(points) > 1:
            series.append(ChartSeries(arm, arm_class(arm), points))
    if not series:
        return "<p>Fewer than two blocks were measured.</p>"
    blocks = figures.blocks
    x = Axis(blocks[0] - 0.2, blocks[-1] + 0.2, "block", ticks=[(block, str(block)) for block in blocks])
    y = axis([point[1] for each in series for point in each.points], "capacity, arrivals/s", zero=True)
    return arms_legend([each.name for each in series]) + chart("Capacity by block", x, y, series)
