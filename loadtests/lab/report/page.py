"""The complete report: one self-contained page, from results and a verdict."""

import re
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from loadtests.lab.results.model import Results
from loadtests.lab.verdict.verdict import Verdict, scenario_of

_HERE = Path(__file__).parent
_LABELS = {True: "yes", False: "no", None: "undecided"}
_CLASSES = {True: "yes", False: "no", None: "open"}
_CODE = re.compile("`([^`]+)`")


def render(results: Results, verdict: Verdict) -> str:
    """Return HTML that loads no other resource."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["with_code"] = _with_code
    return environment.from_string((_HERE / "page.html").read_text(encoding="utf-8")).render(
        verdict=verdict,
        conditions=results.conditions,
        scenario=scenario_of(results),
        machine=results.machine,
        thresholds_version=results.thresholds_version,
        gate_label=_LABELS.__getitem__,
        gate_class=_CLASSES.__getitem__,
        style=Markup((_HERE / "style.css").read_text(encoding="utf-8")),  # noqa: S704 - the package's own file
    )


def _with_code(text: str) -> Markup:
    """Escape text, and mark the parts between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just before
