"""The learning path names code and commands that exist."""

import re
from collections.abc import Iterator

import pytest

from deploy.devstack.program import ROOT
from loadtests.learning.closing_pages import EXERCISES
from loadtests.learning.costs import FAILURES, count_lines
from loadtests.learning.source_code import SymbolNotFound, cut_excerpt
from loadtests.learning.steps import STEPS
from loadtests.learning.steps.model import LearningStep
from tests.architecture.test_quoted_commands import exists

_QUOTED = re.compile(r"`(extraction [^`]+|make [^`]+)`")
_FILE = re.compile(r"`([\w./-]+/[\w-]+\.(?:py|md|sql|toml))`")


def test_the_path_has_ten_steps_of_at_most_ten_minutes() -> None:
    assert len({step.slug for step in STEPS}) == 10
    assert max(step.minutes for step in STEPS) <= 10
    assert sum(step.minutes for step in STEPS) <= 120


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.slug)
def test_the_code_of_a_step_is_in_the_installed_source(step: LearningStep) -> None:
    for symbol in step.symbols:
        excerpt = cut_excerpt(symbol)
        assert symbol.rpartition(":")[2].rpartition(".")[2] in excerpt.text
        assert "`" not in excerpt.html


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.slug)
def test_the_commands_of_a_step_exist(step: LearningStep) -> None:
    commands = [*step.commands, *quoted(*step.do, step.see, step.hint, step.costs, step.why)]
    assert [command for command in commands if command != ".venv/bin/lint-imports" and not exists(command)] == []


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.slug)
def test_the_files_of_a_step_exist(step: LearningStep) -> None:
    files = _FILE.findall(" ".join((*step.do, step.see, step.hint, step.costs, step.why)))
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_the_commands_of_the_exercises_exist() -> None:
    assert [each.name for each in EXERCISES if not exists(f"extraction exercise {each.name}")] == []


def test_the_errors_of_the_costs_page_are_in_the_contract() -> None:
    assert all(cut_excerpt(symbol).text.startswith("class ") for symbol in FAILURES)
    assert all(count_lines().values())


@pytest.mark.parametrize("symbol", ["contracts.scheduling.port:SchedulingPort.rent", "contracts.nothing:Port"])
def test_a_symbol_that_is_gone_is_found(symbol: str) -> None:
    with pytest.raises(SymbolNotFound):
        cut_excerpt(symbol)


def quoted(*texts: str) -> Iterator[str]:
    for text in texts:
        yield from _QUOTED.findall(text)
