"""Building blocks of a Grafana dashboard: panels in rows of three, over one Prometheus data source."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_COLUMNS, _WIDTH, _HEIGHT = 3, 8, 8

Unit = Literal["reqps", "ops", "s", "bytes", "percentunit", "short"]


@dataclass(frozen=True, slots=True)
class Panel:
    """A time series. `queries` maps a legend to its PromQL; `{{label}}` in a legend is replaced by the label's value.

    `limit` draws a line from which on the value is a problem. `stacked` shows the shares of a sum.
    """

    title: str
    description: str
    unit: Unit
    queries: dict[str, str]
    limit: float | None = None
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A titled group of panels."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard; `name` is the name of its file and a part of its identifier."""

    name: str
    title: str
    sections: Sequence[Section]
    refresh: str = field(default="30s")

    def document(self) -> dict[str, Any]:
        """Return the dashboard as Grafana imports and provisions it."""
        return {
            "uid": f"extraction-{self.name}",
            "title": self.title,
            "tags": ["extraction"],
            "timezone": "browser",
            "schemaVersion": 41,
            "version": 1,
            "editable": True,
            "refresh": self.refresh,
            "time": {"from": "now-1h", "to": "now"},
            "annotations": {"list": []},
            "graphTooltip": 1,
            "templating": {"list": [_DATA_SOURCE]},
            "panels": _placed(self.sections),
        }


_DATA_SOURCE = {
    "name": "datasource",
    "label": "Prometheus",
    "type": "datasource",
    "query": "prometheus",
    "refresh": 1,
    "current": {},
}


def _placed(sections: Sequence[Section]) -> list[dict[str, Any]]:
    placed: list[dict[str, Any]] = []
    top = 0
    for section in sections:
        position = {"h": 1, "w": _COLUMNS * _WIDTH, "x": 0, "y": top}
        row = {"type": "row", "title": section.title, "collapsed": False, "panels": [], "gridPos": position}
        placed.append({"id": len(placed) + 1, **row})
        top += 1
        for index, panel in enumerate(section.panels):
            line, column = divmod(index, _COLUMNS)
            position = {"h": _HEIGHT, "w": _WIDTH, "x": column * _WIDTH, "y": top + line * _HEIGHT}
            placed.append({"id": len(placed) + 1, **_time_series(panel), "gridPos": position})
        top += -(-len(section.panels) // _COLUMNS) * _HEIGHT
    return placed


def _time_series(panel: Panel) -> dict[str, Any]:
    custom: dict[str, Any] = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 30 if panel.stacked else 5}
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0, "custom": custom}
    if panel.stacked:
        custom["stacking"] = {"mode": "normal", "group": "A"}
    if panel.limit is not None:
        custom["thresholdsStyle"] = {"mode": "line"}
        steps = [{"color": "transparent", "value": None}, {"color": "red", "value": panel.limit}]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    return {
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "targets": [
            {"expr": query, "legendFormat": legend, "refId": chr(ord("A") + index), "datasource": _SOURCE}
            for index, (legend, query) in enumerate(panel.queries.items())
        ],
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
    }
