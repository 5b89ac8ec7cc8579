"""The measured figures: printed, and written to `.artifacts/bench.json`."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from loadtests.generator.estimates import Estimate, percentile


class Figure(NamedTuple):
    """A value from `n` measurements. `low` and `high` bound the 95 % interval of a ratio, and are the extremes of a
    duration."""

    value: float
    unit: str
    n: int
    low: float
    high: float


def ratio_figure(estimate: Estimate) -> Figure:
    return Figure(estimate.value, "ratio", estimate.n, estimate.low, estimate.high)


def duration_figure(seconds: list[float]) -> Figure:
    """Return the median of a few durations."""
    return Figure(percentile(seconds, 0.5), "s", len(seconds), min(seconds), max(seconds))


def format_figure(name: str, figure: Figure) -> str:
    return f"{name:<20} {figure.value:>8.3f} {figure.unit:<6} [{figure.low:.3f} to {figure.high:.3f}], n = {figure.n}"


def write_figures(figures: Mapping[str, Figure], path: Path) -> None:
    """Replace the file, so that it never mixes figures of two runs."""
    rows = {name: {field: _finite(value) for field, value in f._asdict().items()} for name, f in figures.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps({"figures": rows}, indent=2) + "\n")
    unfinished.rename(path)


def _finite(value: object) -> object:
    """Return None for an unknown (infinite) bound, since JSON has no infinity."""
    return None if isinstance(value, float) and math.isinf(value) else value
