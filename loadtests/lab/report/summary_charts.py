"""Charts of figures: forest plot, heat map of noisy neighbours, costs, and diagrams of the arms."""

import math
from html import escape
from statistics import fmean

from loadtests.generator.estimates import Estimate
from loadtests.lab.planning.arms import BASELINE, REPEAT, find_arm
from loadtests.lab.report.figures import ERROR_LATENCY_MS, ArmComparison, ReportFigures
from loadtests.lab.report.run_charts import arm_class
from loadtests.lab.report.svg import WIDTH, drawing, format_number, legend, text
from loadtests.lab.results.model import MODULES, Run

_ROW = 20
_LETTER_WIDTH = 8.0
"""Approximate width of a character at the largest font size, on a phone."""
_COST_KINDS = ("scheduling", "auth", "billing", "notifications", "background", "postgres", "valkey", "web, other")


class _RatioAxis:
    """A logarithmic axis of ratios, and its elements."""

    def __init__(self, found: list[ArmComparison]) -> None:
        every = [value for each in found for value in (each.estimate.value, each.estimate.low, each.estimate.high)]
        known = [value for value in every if 0 < value < math.inf] or [1.0]
        self.low, self.high = max(1 / 200, min([*known, 0.5])), min(200.0, max([*known, 2.0]))
        self.bottom = 30 + len(found) * _ROW
        self.labels = _LETTER_WIDTH * max(len(each.metric) for each in found)
        self._left = self.labels + _label_width([each.arm for each in found])

    def at(self, value: float) -> float:
        share = math.log(min(self.high, max(self.low, value)) / self.low) / math.log(self.high / self.low)
        return self._left + (WIDTH - self._left - 80) * share

    def grid(self) -> str:
        ticks = [tick for tick in (0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 100) if self.low <= tick <= self.high]
        return "".join(
            self._vertical_line("axis" if tick == 1 else "grid", tick)
            + text(self.at(tick), self.bottom + 14, format_number(tick), "middle", "tick")
            for tick in ticks
        ) + text(self.at(1), self.bottom + 30, "ratio to M1 (lower is better)", "middle")

    def band(self, noise: Estimate, y: float) -> str:
        left, right = self.at(noise.low), self.at(noise.high)
        return f'<rect class="band" x="{left:.1f}" y="{y - 9}" width="{right - left:.1f}" height="{_ROW}"/>'

    def whisker(self, each: ArmComparison, y: float) -> str:
        kind, estimate = arm_class(each.arm), each.estimate
        low, high = self.at(estimate.low), self.at(estimate.high)
        line = f'<line class="line {kind}" x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}"/>'
        return (
            text(self.labels + 4, y + 4, each.arm)
            + (line if estimate.n > 1 else "")
            + f'<circle class="dot {kind}" cx="{self.at(estimate.value):.1f}" cy="{y}" r="4"/>'
            + text(WIDTH - 74, y + 4, f"{estimate.value:.2f}")
        )

    def _vertical_line(self, kind: str, value: float) -> str:
        at = self.at(value)
        return f'<line class="{kind}" x1="{at:.1f}" x2="{at:.1f}" y1="16" y2="{self.bottom}"/>'


def _label_width(arms: list[str]) -> float:
    return 14 + _LETTER_WIDTH * max(map(len, arms))


def forest_plot(figures: ReportFigures) -> str:
    """Return the ratios to M1 with their intervals, on a logarithmic axis; the band is the interval of M1's repeat."""
    every = figures.comparisons()
    found = [each for each in every if each.arm != REPEAT]
    if not found:
        return "<p>Nothing to compare yet: a block with M1 and another arm is required.</p>"
    noise = {each.metric: each.estimate for each in every if each.arm == REPEAT}
    ratios, previous = _RatioAxis(found), ""
    body = [ratios.grid()]
    for place, each in enumerate(found):
        y = 30 + place * _ROW
        if each.metric in noise:
            body.append(ratios.band(noise[each.metric], y))
        body.append(text(ratios.labels - 4, y + 4, each.metric if each.metric != previous else "", "end"))
        body.append(ratios.whisker(each, y))
        previous = each.metric
    return drawing("Each arm relative to M1", WIDTH, ratios.bottom + 36, "".join(body))


def neighbour_heat_map(figures: ReportFigures) -> str:
    """Return a table of each module's tail latency at the peak, as a multiple of that in idle hours."""
    head = "".join(f"<th>{arm}</th>" for arm in figures.arms)
    lines = []
    for module in MODULES:
        cells = []
        for arm in figures.arms:
            found = figures.neighbour(arm, module)
            if found is None:
                cells.append("<td>-</td>")
            elif found[1] >= ERROR_LATENCY_MS:
                cells.append(f'<td class="heat5">errors<small>{found[0]:.0f} ms when idle</small></td>')
            else:
                idle, peak = found
                level = min(5, max(0, round(math.log2(max(peak / idle, 1)))))
                cells.append(
                    f'<td class="heat{level}">{peak / idle:.1f}×<small>{idle:.0f} to {peak:.0f} ms</small></td>'
                )
        lines.append(f"<tr><th>{module}<small>{figures.neighbour_name(module)}</small></th>{''.join(cells)}</tr>")
    return f'<div class="wide"><table class="heat"><tr><th></th>{head}</tr>{"".join(lines)}</table></div>'


def cost_charts(figures: ReportFigures) -> str:
    """Return stacked bars: CPU time per booking by module or process, and statement time by module."""
    arms = [arm for arm in figures.arms if any(run.bookings for run in figures.peak(arm).values())]
    if not arms:
        return "<p>There were no bookings.</p>"
    cpu = {arm: _mean_parts([_cpu_of(run) for run in figures.peak(arm).values() if run.bookings]) for arm in arms}
    database = {arm: _mean_parts([_db_of(run) for run in figures.peak(arm).values() if run.bookings]) for arm in arms}
    used = [kind for kind in _COST_KINDS if any(kind in each for each in cpu.values())]
    return (
        legend([(kind, _cost_class(kind)) for kind in used])
        + _bars("CPU time per booking, ms", cpu)
        + _bars("Statement time per booking, ms", database)
    )


def _bars(title: str, stacks: dict[str, dict[str, float]]) -> str:
    most = max(sum(parts.values()) for parts in stacks.values()) or 1.0
    height, body = 30 + len(stacks) * 34, [text(4, 14, title)]
    left = _label_width(list(stacks))
    for place, (arm, parts) in enumerate(stacks.items()):
        y, x = 24 + place * 34, left
        body.append(text(left - 8, y + 17, arm, "end"))
        for kind in _COST_KINDS:
            wide = parts.get(kind, 0.0) / most * (WIDTH - left - 70)
            if wide > 0:
                tooltip = f"{arm}, {kind}: {parts[kind]:.1f} ms"
                body.append(
                    f'<rect class="{_cost_class(kind)}" x="{x:.1f}" y="{y}" width="{wide:.1f}" height="24">'
                    f"<title>{escape(tooltip)}</title></rect>"
                )
                x += wide
        body.append(text(x + 6, y + 17, f"{sum(parts.values()):.1f}"))
    return drawing(title, WIDTH, height, "".join(body))


def _cost_class(kind: str) -> str:
    return f"cost{_COST_KINDS.index(kind)}"


def _cpu_of(run: Run) -> dict[str, float]:
    """Attribute CPU time: request threads to their module, the rest of a web process to `web, other`."""
    found: dict[str, float] = dict.fromkeys(_COST_KINDS, 0.0)
    web = 0.0
    for process, milliseconds in run.costs.cpu_ms.items():
        if "-web" in process:
            web += milliseconds
        else:
            kind = "postgres" if process.startswith("postgres") else "valkey" if process == "valkey" else "background"
            found[kind] += milliseconds
    for module in MODULES:
        found[module] = run.costs.web_cpu_ms.get(module, 0.0)
    found["web, other"] = max(0.0, web - sum(run.costs.web_cpu_ms.values()))
    return {kind: milliseconds / run.bookings for kind, milliseconds in found.items() if milliseconds}


def _db_of(run: Run) -> dict[str, float]:
    known = {module: milliseconds for module, milliseconds in run.costs.db_ms.items() if module in MODULES}
    return {module: milliseconds / run.bookings for module, milliseconds in known.items()}


def _mean_parts(parts: list[dict[str, float]]) -> dict[str, float]:
    return {kind: fmean(each.get(kind, 0.0) for each in parts) for kind in {kind for each in parts for kind in each}}


_BOXES: dict[str, tuple[tuple[str, ...], ...]] = {
    "M1": (("monolith, {all} threads",), ("worker",), ("Postgres",)),
    "M1'": (("monolith, {all} threads",), ("worker",), ("Postgres",)),
    "M2": (("monolith, {half} threads", "monolith, {half} threads"), ("worker",), ("Postgres",)),
    "M2+": (("monolith, {half} threads", "second budget: monolith, {half} threads"), ("worker",), ("Postgres",)),
    "MB": (("monolith: the rest, {half} threads", "monolith: scheduling, {half} threads"), ("worker",), ("Postgres",)),
    "MC": (("monolith with a cache, {all} threads",), ("worker",), ("Postgres",)),
    "XS": (("monolith, {half} threads", "scheduling, {half} threads"), ("worker", "relay"), ("Postgres for both",)),
    "X": (("monolith, {half} threads", "scheduling, {half} threads"), ("worker", "relay"), ("Postgres", "Postgres")),
    "X+": (
        ("monolith, {half} threads", "second budget: scheduling, {half} threads"),
        ("worker", "second budget: relay"),
        ("Postgres", "second budget: Postgres"),
    ),
}


def arm_diagrams(figures: ReportFigures) -> str:
    """Return a diagram of each arm: web processes, background processes and databases."""
    threads = figures.conditions.threads
    drawn = []
    for arm in figures.arms:
        body = []
        for level, boxes in enumerate(_BOXES.get(arm, _BOXES[BASELINE])):
            wide = (WIDTH - 16) / len(boxes)
            for place, template in enumerate(boxes):
                x, y = 8 + place * wide, 4 + level * 34
                body.append(
                    f'<rect class="box {arm_class(arm)}" x="{x:.0f}" y="{y}" width="{wide - 8:.0f}" height="26"/>'
                )
                label = template.format(all=threads, half=threads // 2)
                body.append(text(x + (wide - 8) / 2, y + 17, label, "middle"))
        description = find_arm(arm).description
        diagram = drawing(description, WIDTH, 108, "".join(body))
        drawn.append(f'<p class="caption">{escape(arm)}: {escape(description)}</p>{diagram}')
    return "".join(drawn)
