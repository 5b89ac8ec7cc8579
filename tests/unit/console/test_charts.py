"""Line charts: scales, gaps, escaping."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from deploy.console.charts import line_chart, nice_ceiling

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("value, ceiling", [(0, 1), (0.03, 0.05), (1, 1), (1.2, 2), (7, 10), (12, 20), (4321, 5000)])
def test_the_scale_ends_at_a_round_number(value: float, ceiling: float) -> None:
    assert nice_ceiling(value) == pytest.approx(ceiling)


def test_a_pause_in_the_samples_is_a_gap_in_the_line() -> None:
    seconds = (90, 85, 80, 10, 5, 0)
    chart = line_chart("lag", {"here": [(NOW - timedelta(seconds=each), 1.0) for each in seconds]}, now=NOW)
    (line,) = re.findall(r'class="line series-1" d="([^"]*)"', chart)
    assert (line.count("M"), line.count("L")) == (2, 4)


def test_the_legend_tells_the_latest_and_the_highest_value_of_the_last_15_minutes() -> None:
    points = [(NOW - timedelta(minutes=each), value) for each, value in ((20, 90.0), (10, 12.5), (5, 0.0), (0, 3.0))]
    chart = line_chart("lag", {"here": points, "there": []}, unit=" s", now=NOW)
    assert ">here <small>now 3 s, at most 12.5 s</small></li>" in chart
    assert ">there</li>" in chart


def test_names_are_escaped() -> None:
    assert "<script>" not in line_chart("<script>", {"<script>": []}, now=NOW)
