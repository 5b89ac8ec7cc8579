"""The complete report: one self-contained page, from results, a verdict and the raw rows that still exist."""

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
_LABELS = {True: "yes", False: "no", None: "undecided"}
_CLASSES = {True: "yes", False: "no", None: "open"}
_CODE = re.compile("`([^`]+)`")


def render(results: Results, verdict: Verdict, raw: RawRows) -> str:
    """Return HTML that loads no other resource."""
    conditions = results.conditions
    assert conditions is not None, "the laboratory wrote them"
    figures = ReportFigures(results, parse_thresholds(conditions.thresholds))
    drawn = {
        "heat_map": summary_charts.neighbour_heat_map(figures),
        "forest_plot": summary_charts.forest_plot(figures),
        "peak_tables": tables.peak_tables(figures),
        "arm_diagrams": summary_charts.arm_diagrams(figures),
        "costs": summary_charts.cost_charts(figures),
        "arms_legend": run_charts.arms_legend(figures.arms),
        "load_curves": run_charts.load_curves(figures),
        "percentile_curves": run_charts.percentile_curves(figures, raw),
        "timelines": run_charts.timelines(figures, raw),
        "drift": run_charts.drift(figures),
        "style": (_HERE / "style.css").read_text(encoding="utf-8"),
    }
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["with_code"] = _with_code
    return environment.from_string((_HERE / "page.html").read_text(encoding="utf-8")).render(
        verdict=verdict,
        conditions=conditions,
        machine=results.machine,
        thresholds_version=results.thresholds_version,
        runs=results.runs,
        headroom=figures.headroom,
        peak_rate=conditions.forecast * figures.headroom,
        findings=list(list_findings(figures)),
        missing=_describe_missing_runs(results),
        gate_label=_LABELS.__getitem__,
        gate_class=_CLASSES.__getitem__,
        **{name: Markup(html) for name, html in drawn.items()},  # noqa: S704 - rendered here, all text escaped
    )


def _with_code(text: str) -> Markup:
    """Escape text, and mark the parts between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just before


def _describe_missing_runs(results: Results) -> str:
    """Return a sentence about the runs that were not measured; empty for a complete laboratory."""
    conditions = results.conditions
    assert conditions is not None
    idle_blocks = 1 if conditions.quick else conditions.blocks
    planned = len(conditions.arms) * (conditions.blocks + idle_blocks)
    measured = len(results.runs)
    if measured >= planned:
        return ""
    peaks = sum(run.scenario != IDLE for run in results.runs)
    return (
        f"Interrupted: {measured} of {planned} runs were measured, {peaks} of them at the peak. "
        "The report is based on those."
    )
