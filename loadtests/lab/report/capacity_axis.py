"""The first figure: one axis of rate, with each arm's capacity, the forecast as a marker, and the map below."""

from collections.abc import Sequence
from html import escape

from loadtests.generator.estimates import Estimate
from loadtests.lab.planning.arms import ARMS
from loadtests.lab.report.figures import ReportFigures
from loadtests.lab.report.svg import WIDTH, Axis, drawing, text
from loadtests.lab.verdict.capacity_map import MapSegment

_ROW = 28
_LEFT, _RIGHT = 92, 30
_TOP = 44
_BAR = 30


def arm_class(arm: str) -> str:
    """Return the CSS class of the arm's colour; arms that are not predefined share one."""
    return f"arm{list(ARMS).index(arm) if arm in ARMS else len(ARMS)}"


def capacity_figure(figures: ReportFigures) -> str:
    """Return the figure, or a sentence while no capacity is known."""
    capacities = figures.capacities()
    if not capacities:
        return "<p>No search for a capacity is complete yet.</p>"
    return _CapacityAxis(figures, capacities).draw()


class _CapacityAxis:
    def __init__(self, figures: ReportFigures, capacities: dict[str, Estimate]) -> None:
        self._figures = figures
        self._capacities = capacities
        load = figures.scenario.load
        self._markers: Sequence[tuple[float, str]] = (
            [(load.forecast, "forecast"), (load.forecast * load.headroom, f"× {load.headroom:g}")]
            if load.forecast is not None
            else []
        )
        shown = [*(found.high for found in capacities.values()), *(at for at, _ in self._markers)]
        self._axis = Axis(0.0, max(shown) * 1.06, "scheduling arrivals a second")
        self._bottom = _TOP + len(capacities) * _ROW

    def draw(self) -> str:
        """Return the rows of the arms, the markers, and the bar of the map."""
        body = [self._grid()]
        body += [self._row(place, arm, found) for place, (arm, found) in enumerate(self._capacities.items())]
        body += [self._marker(place, at, label) for place, (at, label) in enumerate(self._markers)]
        maps = self._figures.maps()
        for place, (name, segments) in enumerate(maps.items()):
            body.append(self._map_bar(name, segments, self._bottom + 42 + place * _BAR))
        height = self._bottom + 44 + len(maps) * _BAR
        return drawing("Capacity of each arm, with its interval", WIDTH, height, "".join(body))

    def _x(self, rate: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * self._axis.share(rate)

    def _grid(self) -> str:
        parts = []
        for value, label in self._axis.tick_labels():
            at = self._x(value)
            parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP - 8}" y2="{self._bottom}"/>')
            parts.append(text(at, self._bottom + 16, label, "middle", "tick"))
        parts.append(text(WIDTH - _RIGHT, self._bottom + 32, self._axis.label, "end", "note"))
        return "".join(parts)

    def _row(self, place: int, arm: str, found: Estimate) -> str:
        y, kind = _TOP + place * _ROW + 8, arm_class(arm)
        low, high = self._x(found.low), self._x(found.high)
        tooltip = f"{arm}: {found.value:.3g}/s, interval {found.low:.3g} to {found.high:.3g}"
        # The label is left of the interval where there is no room on its right.
        anchor, label_x = ("end", low - 8) if high > WIDTH - 90 else ("start", high + 8)
        return (
            f"<g><title>{escape(tooltip)}</title>"
            + text(_LEFT - 10, y + 4, arm, "end")
            + f'<line class="interval {kind}" x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}"/>'
            + f'<circle class="dot {kind}" cx="{self._x(found.value):.1f}" cy="{y}" r="5"/>'
            + text(label_x, y + 4, f"{found.value:.3g}", anchor)
            + "</g>"
        )

    def _marker(self, place: int, at: float, label: str) -> str:
        x, kind = self._x(at), "forecast" if place == 0 else "forecast dashed"
        anchor, shift = ("end", -5) if place == 0 else ("start", 5)
        return f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 28}" y2="{self._bottom}"/>' + text(
            x + shift, _TOP - 18, f"{label}{f': {at:.3g}' if place == 0 else f' = {at:.3g}'}", anchor, "marker"
        )

    def _map_bar(self, name: str, segments: Sequence[MapSegment], y: float) -> str:
        begin, parts = 0.0, [text(_LEFT - 10, y + 16, name, "end")]
        for segment in segments:
            left, right = self._x(begin), self._x(segment.until)
            size = f'width="{max(0.0, right - left):.1f}" height="{_BAR - 6}"'
            parts.append(
                f'<rect class="map {arm_class(segment.arm)}" x="{left:.1f}" y="{y}" {size}>'
                f"<title>{escape(segment.as_text())}</title></rect>"
            )
            if right - left > 30:
                parts.append(text((left + right) / 2, y + 16, segment.arm, "middle", "on-map"))
            begin = segment.until
        return "".join(parts)
