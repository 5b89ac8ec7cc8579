"""The queries of the monitoring files, and the blocks of the runbooks."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.servers import ROOT

FOLDER = ROOT / "deploy/observability"
RUNBOOKS = ROOT / "deploy/runbooks"
RULE_FILES = sorted((FOLDER / "prometheus").glob("*.yml"))
PAGES = sorted(page for page in RUNBOOKS.glob("*.md") if page.name != "README.md")
_BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


def rules() -> list[dict[str, Any]]:
    """Return all recording and alerting rules."""
    files = (yaml.safe_load(path.read_text()) for path in RULE_FILES)
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def recorded() -> set[str]:
    """Return the series that recording rules define; they have no labels."""
    return {rule["record"] for rule in rules() if "record" in rule}


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of a page in one language."""
    return [code.strip() for found, code in _BLOCK.findall(page.read_text()) if found == language]


def queries() -> Iterator[tuple[str, str]]:
    """Yield each PromQL query with the place that has it: dashboards, rules and runbooks."""
    for path in sorted((FOLDER / "grafana").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            yield from ((f"{path.name}: {panel['title']}", target["expr"]) for target in panel.get("targets", ()))
    for rule in rules():
        yield rule.get("alert") or rule["record"], rule["expr"]
    for page in PAGES:
        yield from ((page.name, query) for query in blocks(page, "promql"))
