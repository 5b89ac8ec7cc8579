"""Measure a registered scenario with the laboratory, as a change of the console."""

import importlib.util
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from deploy.console.changes.change import Fact, OperatorChange, Preview, Report, Slug, Who
from deploy.console.changes.command_run import run_command
from deploy.errors import CommandError
from loadtests.lab.planning.scenario import read_scenario
from loadtests.lab.results.results_store import require_free_space
from loadtests.lab.verdict.verdict import EXIT_CODES
from monolith.cutover.service import ControlPlane

FOLDER = Path(".artifacts") / "lab"


class MeasureScenario(OperatorChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Measure a registered scenario on servers of its own, and judge it."""

    kind: ClassVar[str] = "measure-scenario"
    title: ClassVar[str] = "Measure a scenario"
    button: ClassVar[str] = "Measure it"
    page: ClassVar[str] = "ops_lab.reports"

    scenario: Slug
    quick: bool = False

    @property
    def subject(self) -> str:
        return f"laboratory {self.scenario}"

    def preview(self, plane: ControlPlane) -> Preview:
        scenario = read_scenario(self.scenario)
        duration = "under seven minutes" if self.quick else "about seven minutes without a problem, else up to an hour"
        return Preview(
            sentence=f"{scenario.title}: the laboratory starts servers of its own and searches for the capacity of "
            "each topology. It needs the whole machine: other programs are slow meanwhile, and distort the result. "
            "Withdrawing keeps the completed trials.",
            command=f"extraction lab run --scenario {self.scenario}{' --quick' if self.quick else ''}",
            expected="any",
            facts=(
                Fact("takes", duration),
                Fact("answers", "a map of capacities, no verdict" if self.quick else "a verdict"),
                Fact("results", f"a new folder in {FOLDER}"),
            ),
            refused=_refusal(),
        )

    def run(self, plane: ControlPlane, who: Who, report: Report) -> str:
        folder = FOLDER / datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S")
        words = ["lab", "run", "--scenario", self.scenario, "--out", str(folder), *(["--quick"] if self.quick else [])]
        return run_command(words, report, success=tuple(EXIT_CODES.values()))


def _refusal() -> str | None:
    missing = [name for name in ("locust", "psutil") if importlib.util.find_spec(name) is None]
    if missing:
        return f"{' and '.join(missing)} is not installed: `make peak` installs it."
    try:
        require_free_space(FOLDER)
    except CommandError as error:
        return str(error)
    return None
