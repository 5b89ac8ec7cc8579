"""Charts as inline SVG. CSS classes name the colours, so that the page can define a light and a dark theme."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 26, 14, 46

Point = tuple[float, float]


class ChartSeries(NamedTuple):
    """`kind` is the CSS class of the colour."""

    name: str
    kind: str
    points: Sequence[Point]
    dashed: bool = False


class ReferenceLine(NamedTuple):
    """A labelled horizontal or vertical line."""

    at: float
    label: str


@dataclass(frozen=True)
class Axis:
    """A linear or logarithmic axis; the label names the quantity and the unit."""

    low: float
    high: float
    label: str
    log: bool = False
    ticks: Sequence[tuple[float, str]] = ()

    def share(self, value: float) -> float:
        """Return the position of a value, from 0 to 1; values outside the range are clamped."""
        if self.log:
            value, low, high = (math.log(max(each, 1e-9)) for each in (value, self.low, self.high))
        else:
            low, high = self.low, self.high
        return min(1.0, max(0.0, (value - low) / (high - low))) if high > low else 0.5

    def tick_labels(self) -> Sequence[tuple[float, str]]:
        return self.ticks or (_log_ticks(self.low, self.high) if self.log else _ticks(self.low, self.high))


def axis(values: Sequence[float], label: str, *, log: bool = False, zero: bool = False) -> Axis:
    """Return an axis that includes all values, with a margin."""
    known = [value for value in values if math.isfinite(value) and (value > 0 or not log)] or [1.0]
    low, high = min(known), max(known)
    if log:
        return Axis(low / 1.3, high * 1.3, label, log=True)
    margin = (high - low) * 0.06 or 1.0
    return Axis(0.0 if zero else low - margin, high + margin, label)


def chart(
    title: str,
    x: Axis,
    y: Axis,
    series: Sequence[ChartSeries],
    *,
    horizontal: Sequence[ReferenceLine] = (),
    vertical: Sequence[ReferenceLine] = (),
    dots: bool = False,
) -> str:
    """Return a line chart, or a dot chart; the title is for screen readers."""
    to_x = _scale(x, LEFT, WIDTH - RIGHT)
    to_y = _scale(y, HEIGHT - BOTTOM, TOP)
    body = [_frame(x, y, to_x, to_y)]
    for line in horizontal:
        at = to_y(line.at)
        body.append(f'<line class="mark" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        body.append(text(WIDTH - RIGHT - 4, at - 4, line.label, "end", "note"))
    for place, line in enumerate(vertical):
        at = to_x(line.at)
        body.append(f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        label_x, anchor = (at - 4, "end") if at > WIDTH * 0.75 else (at + 4, "start")
        body.append(text(label_x, TOP + 10 + 16 * place, line.label, anchor, "note"))
    for each in series:
        placed = [(to_x(a), to_y(b)) for a, b in each.points]
        if not dots and len(placed) > 1:
            path = " ".join(f"{a:.1f},{b:.1f}" for a, b in placed)
            dash = " dashed" if each.dashed else ""
            body.append(f'<polyline class="line {each.kind}{dash}" points="{path}"/>')
        if dots or len(placed) < 16:
            body += [f'<circle class="dot {each.kind}" cx="{a:.1f}" cy="{b:.1f}" r="3.2"/>' for a, b in placed]
    return drawing(title, WIDTH, HEIGHT, "".join(body))


def drawing(title: str, width: float, height: float, body: str) -> str:
    """Return an SVG element that scales to the page's width."""
    return f'<svg viewBox="0 0 {width:g} {height:g}" role="img"><title>{escape(title)}</title>{body}</svg>'


def text(x: float, y: float, content: str, anchor: str = "start", kind: str = "label") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'


def legend(series: Sequence[tuple[str, str]]) -> str:
    """Return HTML with each name and its colour."""
    items = "".join(f'<span><i class="key {kind}"></i>{escape(name)}</span>' for name, kind in dict(series).items())
    return f'<p class="legend">{items}</p>'


def format_number(value: float) -> str:
    """Format a tick label."""
    if value >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _scale(axis: Axis, begin: float, end: float) -> Callable[[float], float]:
    return lambda value: begin + (end - begin) * axis.share(value)


def _frame(x: Axis, y: Axis, to_x: Callable[[float], float], to_y: Callable[[float], float]) -> str:
    parts = []
    for value, label in y.tick_labels():
        at = to_y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(text(LEFT - 6, at + 4, label, "end", "tick"))
    for value, label in x.tick_labels():
        at = to_x(value)
        parts.append(text(at, HEIGHT - BOTTOM + 16, label, "middle", "tick"))
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM}"/>')
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x.label, "middle", "label"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text class="label" text-anchor="middle" transform="translate(14 {middle:.0f}) rotate(-90)">'
        f"{escape(y.label)}</text>"
    )
    return "".join(parts)


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    step = 10 ** math.floor(math.log10(max(high - low, 1e-9)))
    for finer in (1, 2, 5):
        if (high - low) / (step / finer) >= 4:
            step /= finer
            break
    first = math.ceil(low / step)
    return [(step * place, format_number(step * place)) for place in range(first, math.floor(high / step) + 1)]


def _log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    found = []
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        for step in (1, 2, 5) if high / low < 300 else (1,):
            value = step * 10.0**power
            if low <= value <= high:
                found.append((value, format_number(value)))
    return found
