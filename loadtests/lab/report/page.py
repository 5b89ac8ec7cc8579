"""The whole report: one self-contained page, from results, a verdict and whatever raw rows there still are."""

import re
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from loadtests.lab.report import run_charts, summary_charts, tables
from loadtests.lab.report.figures import IDLE, ReportFigures
from loadtests.lab.report.findings import list_findings
from loadtests.lab.report.raw_rows import RawRows
from loadtests.lab.results.model import Results
from loadtests.lab.verdict.thresholds import parse_thresholds
from loadtests.lab.verdict.verdict import Verdict

_HERE = Path(__file__).parent
_WORDS = {True: "yes", False: "no", None: "not decided"}
_TYPED = re.compile("`([^`]+)`")
_CLASSES = {True: "yes", False: "no", None: "open"}


def render(results: Results, verdict: Verdict, raw: RawRows) -> str:
    """HTML that asks nobody else for anything."""
    conditions = results.conditions
    assert conditions is not None, "the laboratory wrote them"
    figures = ReportFigures(results, parse_thresholds(conditions.thresholds))
    drawn = {
        "heat": summary_charts.neighbour_heat_map(figures),
        "forest": summary_charts.forest_plot(figures),
        "at_the_peak": tables.peak_tables(figures),
        "arms_drawn": summary_charts.arm_diagrams(figures),
        "costs": summary_charts.cost_charts(figures),
        "arms_legend": run_charts.arms_legend(figures.arms),
        "load_curves": run_charts.load_curves(figures),
        "percentile_curves": run_charts.percentile_curves(figures, raw),
        "timelines": run_charts.timelines(figures, raw),
        "drift": run_charts.drift(figures),
        "style": (_HERE / "style.css").read_text(encoding="utf-8"),
    }
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["marked"] = _marked
    return environment.from_string((_HERE / "page.html").read_text(encoding="utf-8")).render(
        verdict=verdict,
        conditions=conditions,
        machine=results.machine,
        thresholds_version=results.thresholds_version,
        runs=results.runs,
        headroom=figures.headroom,
        peak_rate=conditions.forecast * figures.headroom,
        findings=list(list_findings(figures)),
        missing=_missing(results),
        gate_word=_WORDS.__getitem__,
        gate_class=_CLASSES.__getitem__,
        **{name: Markup(html) for name, html in drawn.items()},  # noqa: S704 - drawn here, every word in it escaped
    )


def _marked(words: str) -> Markup:
    """What stands between backticks is what one types."""
    return Markup(_TYPED.sub(r"<code>\1</code>", str(escape(words))))  # noqa: S704 - escaped just before


def _missing(results: Results) -> str:
    """What was to be measured and was not, in a sentence; empty when the laboratory came to its end."""
    conditions = results.conditions
    assert conditions is not None
    idle_blocks = 1 if conditions.quick else conditions.blocks
    wanted = len(conditions.arms) * (conditions.blocks + idle_blocks)
    there = len(results.runs)
    if there >= wanted:
        return ""
    peaks = sum(run.scenario != IDLE for run in results.runs)
    return f"Interrupted: {there} of {wanted} runs were made, {peaks} of them at the peak. What follows rests on those."
