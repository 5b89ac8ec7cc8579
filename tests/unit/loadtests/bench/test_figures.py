import json
import math
from pathlib import Path

from loadtests.bench.figures import Figure, duration_figure, ratio_figure, write_figures
from loadtests.generator.estimates import Estimate


def test_file_has_unit_count_and_interval_of_each_figure(tmp_path: Path) -> None:
    path = tmp_path / "artifacts" / "bench.json"
    write_figures({"search_vs_floor": Figure(0.7, "ratio", 10, 0.68, 0.72)}, path)
    assert json.loads(path.read_text()) == {
        "figures": {"search_vs_floor": {"value": 0.7, "unit": "ratio", "n": 10, "low": 0.68, "high": 0.72}}
    }


def test_unknown_bound_is_null(tmp_path: Path) -> None:
    write_figures({"one_pair": ratio_figure(Estimate(0.7, 0.0, math.inf, 1))}, tmp_path / "bench.json")
    assert json.loads((tmp_path / "bench.json").read_text())["figures"]["one_pair"]["high"] is None


def test_durations_have_median_and_extremes() -> None:
    assert duration_figure([3.0, 1.0, 2.0]) == Figure(2.0, "s", 3, 1.0, 3.0)
