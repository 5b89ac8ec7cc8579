"""Mutants change exactly one thing, and remain code."""

import ast
import tomllib
from pathlib import Path

import pytest

from tests.architecture.committed import ROOT
from tests.mutation.__main__ import JUDGED, key_of
from tests.mutation.mutants import mutants_of
from tests.mutation.targets import TARGETS

FILES = [file for target in TARGETS for file in target.files]


@pytest.mark.parametrize("file", FILES)
def test_every_mutant_differs_from_the_file_and_parses(file: str) -> None:
    path = ROOT / file
    source, found = path.read_text(), mutants_of(path, file)
    assert len(found) > 5
    for mutant in found:
        changed = mutant.apply(source)
        assert changed != source, mutant
        if path.suffix == ".py":
            ast.parse(changed)


def test_the_changes_of_a_function(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text("def f(a, b):\n    if a < b and not b:\n        return 'ä'\n    return a == 1\n")
    assert {(mutant.line, mutant.before, mutant.text) for mutant in mutants_of(path, "code.py")} == {
        (2, "a < b", "(a <= b)"),
        (2, "a < b and not b", "((a < b) or (not b))"),
        (2, "a < b and not b", "(not (a < b and (not b)))"),
        (2, "not b", "(b)"),
        (3, "'ä'", "None"),
        (4, "a == 1", "(a != 1)"),
        (4, "a == 1", "None"),
        (4, "1", "2"),
    }


def test_the_tests_of_every_target_exist() -> None:
    assert [test for target in TARGETS for test in target.tests if not (ROOT / test).exists()] == []


def test_every_judged_survivor_is_a_mutant_of_the_present_code() -> None:
    mutants = {key_of(mutant) for file in FILES for mutant in mutants_of(ROOT / file, file)}
    judged = set(tomllib.loads(JUDGED.read_text())["survivors"])
    assert judged <= mutants, "a judged line has changed: judge it again, or remove it from judged.toml"
