"""The complete report: one self-contained page, from results and a verdict."""

import re
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from loadtests.lab.planning.arms import find_arm
from loadtests.lab.report import charts, story, tables
from loadtests.lab.report.capacity_axis import capacity_figure
from loadtests.lab.report.figures import ReportFigures
from loadtests.lab.results.model import Results
from loadtests.lab.verdict.alternatives import conditions_of_error
from loadtests.lab.verdict.verdict import Verdict

_HERE = Path(__file__).parent
_LABELS = {True: "yes", False: "no", None: "undecided"}
_CLASSES = {True: "yes", False: "no", None: "open"}
_CODE = re.compile("`([^`]+)`")


def render(results: Results, verdict: Verdict) -> str:
    """Return HTML that loads no other resource."""
    figures = ReportFigures(results)
    drawn = {
        "capacity_figure": capacity_figure(figures),
        "served_by_rate": charts.served_by_rate(figures),
        "drift": charts.drift(figures),
        "style": (_HERE / "style.css").read_text(encoding="utf-8"),
    }
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["with_code"] = _with_code
    return environment.from_string((_HERE / "page.html").read_text(encoding="utf-8")).render(
        verdict=verdict,
        conditions=results.conditions,
        scenario=figures.scenario,
        machine=results.machine,
        thresholds_version=results.thresholds_version,
        maps=figures.maps(),
        isolation_promises=figures.isolation_promises(),
        names={arm: find_arm(arm).short for arm in figures.arms},
        not_measured=story.describe_missing(figures),
        beyond_ceiling=figures.beyond_ceiling(),
        confidence=f"{1 - figures.error:.1%}",
        problem=list(story.describe_problem(figures)),
        arms=story.describe_arms(figures, verdict),
        cause=list(story.describe_cause(figures, verdict)),
        costs=list(story.describe_costs(figures, verdict)),
        errors=list(conditions_of_error(figures.record, results.conditions.arms, verdict)),
        equivalence=figures.equivalence(),
        expectation=_compare_with_expectation(figures, verdict),
        cost_table=tables.cost_table(figures),
        journey_tables=tables.journey_tables(figures),
        role_table=tables.role_table(figures),
        demand_table=tables.demand_table(figures),
        blast_table=tables.blast_table(figures),
        trial_table=tables.trial_table(figures),
        gate_label=_LABELS.__getitem__,
        gate_class=_CLASSES.__getitem__,
        **{name: Markup(html) for name, html in drawn.items()},  # noqa: S704 - rendered here, all text escaped
    )


def _compare_with_expectation(figures: ReportFigures, verdict: Verdict) -> str:
    """Return a sentence; empty without an expectation, or without an answer."""
    expected = figures.scenario.expected
    if expected is None or verdict.outcome not in ("EXTRACT", "DON'T EXTRACT"):
        return ""
    same = "as measured" if expected.outcome == verdict.outcome else "which the measurement contradicts"
    return f"Expected before the measurement: {expected.outcome}, {same}; {expected.because}."


def _with_code(text: str) -> Markup:
    """Escape text, and mark the parts between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just before
