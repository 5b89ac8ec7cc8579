"""Accessibility rules of axe-core, evaluated in an open page of the browser."""

import json
from functools import cache
from importlib.resources import files

from tests.e2e.chromium import Chromium

TAGS = ("wcag2a", "wcag2aa", "wcag21aa", "wcag22aa")
"""With these tags axe also checks the size of targets, which its defaults leave out."""
_SUMMARY = """
axe.run(document, OPTIONS).then(found => found.violations.flatMap(each =>
    each.nodes.map(node => `${each.id}: ${node.target.join(" ")}: ${node.failureSummary}`)))
"""


def violations(chromium: Chromium) -> list[str]:
    """Return each violation in the open page: its rule, the element, and what to fix."""
    chromium.evaluate(f"{_axe()}; null")
    options = json.dumps({"runOnly": {"type": "tag", "values": TAGS}})
    found: list[str] = chromium.evaluate(_SUMMARY.replace("OPTIONS", options))
    return found


@cache
def _axe() -> str:
    """The script, which the Python package carries; no page of the product loads it."""
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
