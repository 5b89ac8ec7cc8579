"""The published verdicts of the laboratory, judged again from their stored results."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from deploy.errors import CommandError
from loadtests.lab.planning.arms import find_arm
from loadtests.lab.planning.scenario import read_scenario, scenario_names
from loadtests.lab.report.figures import ReportFigures
from loadtests.lab.report.plain import summarize_lines
from loadtests.lab.results.results_store import RESULTS_FILE, open_results
from loadtests.lab.verdict.verdict import judge_results

PUBLISHED = Path(__file__).parents[1] / "lab" / "published"


class PublishedVerdict(NamedTuple):
    """A registered scenario. `outcome` is empty where nothing is published; `problem` says why it cannot be read.

    `arms` are the names of the compared topologies, each with its description.
    """

    name: str
    title: str
    story: str
    expected: str
    outcome: str = ""
    because: str = ""
    machine: str = ""
    lines: tuple[str, ...] = ()
    arms: tuple[tuple[str, str], ...] = ()
    problem: str = ""


@lru_cache(maxsize=1)
def published_verdicts() -> tuple[PublishedVerdict, ...]:
    """Return every registered scenario: those with a published verdict first, and of these the rejected extractions."""
    found = [_read(name, PUBLISHED / name) for name in scenario_names()]
    return tuple(sorted(found, key=lambda each: (not each.outcome, each.outcome)))


def _read(name: str, folder: Path) -> PublishedVerdict:
    scenario = read_scenario(name)
    expected = "" if scenario.expected is None else scenario.expected.outcome
    known = PublishedVerdict(name, scenario.title, " ".join(scenario.story.split()), expected)
    if not (folder / RESULTS_FILE).exists():
        return known
    try:
        results = open_results(folder).results
        verdict = judge_results(results)
    except CommandError as error:
        return known._replace(problem=str(error))
    has_ceiling = scenario.ceiling.largest_database is not None
    return known._replace(
        outcome=verdict.outcome,
        because=verdict.because,
        machine=results.machine,
        lines=tuple(summarize_lines(results)),
        arms=tuple((arm, _describe(arm, has_ceiling)) for arm in ReportFigures(results).arms),
    )


def _describe(name: str, has_ceiling: bool) -> str:
    """Describe an arm; one with a larger server is no remedy where the scenario declares that none can be had."""
    arm = find_arm(name)
    beyond = "; no remedy here: the scenario declares that there is no larger server"
    return arm.description + (beyond if arm.kind == "larger" and has_ceiling else "")
