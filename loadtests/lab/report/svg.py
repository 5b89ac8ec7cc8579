"""Small drawings as inline SVG. Colours are classes: the page's style decides them, in the light and in the dark."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 26, 14, 46

Point = tuple[float, float]


class ChartSeries(NamedTuple):
    """`kind` is a CSS class that has a colour; a dashed line is drawn thinner."""

    name: str
    kind: str
    points: Sequence[Point]
    dashed: bool = False


class ReferenceLine(NamedTuple):
    """A line across the drawing at a value, with a word."""

    at: float
    words: str


@dataclass(frozen=True)
class Axis:
    """From a lowest to a highest value, on a line or a logarithm; `words` say of what, and the unit."""

    low: float
    high: float
    words: str
    log: bool = False
    ticks: Sequence[tuple[float, str]] = ()

    def share(self, value: float) -> float:
        """Where the value is, from 0 to 1; what lies outside is drawn at the edge."""
        if self.log:
            value, low, high = (math.log(max(each, 1e-9)) for each in (value, self.low, self.high))
        else:
            low, high = self.low, self.high
        return min(1.0, max(0.0, (value - low) / (high - low))) if high > low else 0.5

    def marked(self) -> Sequence[tuple[float, str]]:
        return self.ticks or (_log_ticks(self.low, self.high) if self.log else _ticks(self.low, self.high))


def axis(values: Sequence[float], words: str, *, log: bool = False, zero: bool = False) -> Axis:
    """That holds all values, with some room."""
    known = [value for value in values if math.isfinite(value) and (value > 0 or not log)] or [1.0]
    low, high = min(known), max(known)
    if log:
        return Axis(low / 1.3, high * 1.3, words, log=True)
    room = (high - low) * 0.06 or 1.0
    return Axis(0.0 if zero else low - room, high + room, words)


def chart(
    title: str,
    x: Axis,
    y: Axis,
    series: Sequence[ChartSeries],
    *,
    across: Sequence[ReferenceLine] = (),
    upright: Sequence[ReferenceLine] = (),
    dots: bool = False,
) -> str:
    """Lines, or dots only. `title` is what a screen reader says."""
    across_x = _place(x, LEFT, WIDTH - RIGHT)
    up_y = _place(y, HEIGHT - BOTTOM, TOP)
    body = [_frame(x, y, across_x, up_y)]
    for mark in across:
        at = up_y(mark.at)
        body.append(f'<line class="mark" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        body.append(text(WIDTH - RIGHT - 4, at - 4, mark.words, "end", "note"))
    for place, mark in enumerate(upright):
        at = across_x(mark.at)
        body.append(f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        beside = (at - 4, "end") if at > WIDTH * 0.75 else (at + 4, "start")
        body.append(text(beside[0], TOP + 10 + 16 * place, mark.words, beside[1], "note"))
    for each in series:
        placed = [(across_x(a), up_y(b)) for a, b in each.points]
        if not dots and len(placed) > 1:
            path = " ".join(f"{a:.1f},{b:.1f}" for a, b in placed)
            dash = " dashed" if each.dashed else ""
            body.append(f'<polyline class="line {each.kind}{dash}" points="{path}"/>')
        if dots or len(placed) < 16:
            body += [f'<circle class="dot {each.kind}" cx="{a:.1f}" cy="{b:.1f}" r="3.2"/>' for a, b in placed]
    return drawing(title, WIDTH, HEIGHT, "".join(body))


def drawing(title: str, width: float, height: float, body: str) -> str:
    """As wide as the page allows."""
    return f'<svg viewBox="0 0 {width:g} {height:g}" role="img"><title>{escape(title)}</title>{body}</svg>'


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "label") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def legend(series: Sequence[tuple[str, str]]) -> str:
    """HTML: names and their classes, each once."""
    items = "".join(f'<span><i class="key {kind}"></i>{escape(name)}</span>' for name, kind in dict(series).items())
    return f'<p class="legend">{items}</p>'


def number(value: float) -> str:
    """As a person writes it on an axis."""
    if value >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _place(of: Axis, begin: float, end: float) -> Callable[[float], float]:
    return lambda value: begin + (end - begin) * of.share(value)


def _frame(x: Axis, y: Axis, across: Callable[[float], float], up: Callable[[float], float]) -> str:
    parts = []
    for value, words in y.marked():
        at = up(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(text(LEFT - 6, at + 4, words, "end", "tick"))
    for value, words in x.marked():
        at = across(value)
        parts.append(text(at, HEIGHT - BOTTOM + 16, words, "middle", "tick"))
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM}"/>')
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x.words, "middle", "label"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text class="label" text-anchor="middle" transform="translate(14 {middle:.0f}) rotate(-90)">'
        f"{escape(y.words)}</text>"
    )
    return "".join(parts)


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    step = 10 ** math.floor(math.log10(max(high - low, 1e-9)))
    for finer in (1, 2, 5):
        if (high - low) / (step / finer) >= 4:
            step /= finer
            break
    first = math.ceil(low / step)
    return [(step * place, number(step * place)) for place in range(first, math.floor(high / step) + 1)]


def _log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    found = []
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        for step in (1, 2, 5) if high / low < 300 else (1,):
            value = step * 10.0**power
            if low <= value <= high:
                found.append((value, number(value)))
    return found
