"""The laboratory: measure a scenario, follow it, and read past reports with their verdicts."""

from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from flask import Blueprint, Response

from deploy.console.extension import ConsoleContext, Extension, NavigationLink
from deploy.errors import CommandError
from loadtests.console.lab_change import FOLDER, MeasureScenario
from loadtests.lab.planning.scenario import read_scenario, scenario_names
from loadtests.lab.report.page import render
from loadtests.lab.report.plain import summarize_lines
from loadtests.lab.results.results_store import RESULTS_FILE, open_results
from loadtests.lab.verdict.verdict import judge_results
from monolith.shared.endpoints.errors import not_found

MAX_SHOWN = 50


class PastReport(NamedTuple):
    """One results folder. `problem` says why it cannot be read; the rest is empty then."""

    name: str
    measured_at: datetime
    outcome: str = ""
    because: str = ""
    lines: tuple[str, ...] = ()
    problem: str = ""


def build(context: ConsoleContext) -> Extension:
    """Build the pages for the results below `.artifacts/lab`, where `extraction lab run` writes them."""
    blueprint = Blueprint("ops_lab", __name__, url_prefix="/ops", template_folder="templates")

    @blueprint.get("/lab")
    def reports() -> str:
        context.require_viewer()
        return context.render(
            "ops/lab.html",
            reports=past_reports(FOLDER),
            folder=str(FOLDER),
            scenarios=[read_scenario(name) for name in scenario_names()],
            runs=[each for each in context.requests.latest(100) if isinstance(each.change, MeasureScenario)],
        )

    @blueprint.get("/lab/<path:name>/report.html")
    def report(name: str) -> Response:
        """Send the report as a file: it carries its own styles, which no page of the console may."""
        context.require_viewer()
        folder = next((each for each in _folders(FOLDER) if _name(each, FOLDER) == name), None)
        if folder is None:
            raise not_found("report")
        results = open_results(folder).results
        headers = {"Content-Disposition": f"attachment; filename={folder.name}.html"}
        return Response(render(results, judge_results(results)), content_type="text/html", headers=headers)

    return Extension(blueprint, [NavigationLink("Laboratory", "ops_lab.reports")], changes=[MeasureScenario])


def past_reports(folder: Path) -> list[PastReport]:
    """Return the reports below a folder, newest first."""
    found = sorted(_folders(folder), key=lambda each: (each / RESULTS_FILE).stat().st_mtime, reverse=True)
    return [_read(each, folder, (each / RESULTS_FILE).stat().st_mtime) for each in found[:MAX_SHOWN]]


def _folders(folder: Path) -> list[Path]:
    """`extraction lab verdicts` has a folder for each scenario inside its own."""
    return [each.parent for pattern in ("*", "*/*") for each in folder.glob(f"{pattern}/{RESULTS_FILE}")]


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


@lru_cache(maxsize=2 * MAX_SHOWN)
def _read(path: Path, folder: Path, changed_at: float) -> PastReport:
    """Judge the results again whenever they change; a verdict takes a moment."""
    name, measured_at = _name(path, folder), datetime.fromtimestamp(changed_at, UTC)
    try:
        results = open_results(path).results
        verdict = judge_results(results)
    except CommandError as error:
        return PastReport(name, measured_at, problem=str(error))
    outcome = f"{verdict.outcome}{f' ({verdict.advice})' if verdict.advice else ''}"
    return PastReport(name, measured_at, outcome, verdict.because, tuple(summarize_lines(results)))
