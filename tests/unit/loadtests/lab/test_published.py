"""The published verdicts: measured as registered, and equal to what their page and their report say."""

from pathlib import Path

import pytest

from deploy.devstack.program import ROOT
from loadtests.lab.planning.scenario import find_scenario_file
from loadtests.lab.results.model import Results, read_results
from loadtests.lab.verdict.verdict import judge_results

FOLDER = ROOT / "loadtests" / "lab" / "published"
PUBLISHED = sorted(file.parent for file in FOLDER.glob("*/results.json"))


def results_in(folder: Path) -> Results:
    return read_results((folder / "results.json").read_bytes(), folder.name)


def test_there_are_published_verdicts() -> None:
    assert "two-hundred-users" in {folder.name for folder in PUBLISHED}


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_verdict_was_measured_as_registered(folder: Path) -> None:
    """A change of a scenario requires another measurement; the rules of the method may have become stricter."""
    conditions = results_in(folder).conditions
    assert conditions.scenario == find_scenario_file(folder.name).read_text()
    assert (conditions.forecast, conditions.quick, conditions.map_only) == (None, False, False)
    assert not conditions.commit.endswith("+"), "the product had changes that no commit has"


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_page_and_report_state_the_verdict_that_the_trials_give(folder: Path) -> None:
    results = results_in(folder)
    verdict = judge_results(results)
    row = next(line for line in (FOLDER / "README.md").read_text().splitlines() if f"]({folder.name}/" in line)
    assert f"| {verdict.outcome} |" in row
    assert f"`{results.conditions.commit}`" in row
    report = (folder / "report.html").read_text()
    assert f"<h1>{verdict.outcome.replace(chr(39), '&#39;')}</h1>" in report
    assert results.conditions.commit in report
