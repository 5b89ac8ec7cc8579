"""The page of security controls covers every chapter and risk, and the tests that it names exist."""

import ast
import re

import pytest

from tests.architecture.committed import ROOT

PAGE = (ROOT / "deploy/docs/security-controls.md").read_text()
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)


def test_every_chapter_and_risk_has_a_row() -> None:
    rows = re.findall(r"^\| (V\d+|API\d+) ", PAGE, re.MULTILINE)
    assert rows == [f"V{number}" for number in range(1, 18)] + [f"API{number}" for number in range(1, 11)]


def test_every_row_names_a_test_or_needs_none() -> None:
    lines = [line for line in PAGE.splitlines() if re.match(r"\| (V|API)\d", line)]
    assert [line for line in lines if "::" not in line and not line.endswith("| none needed |")] == []


@pytest.mark.parametrize("path", sorted({path for path, _ in NAMED}))
def test_named_tests_exist(path: str) -> None:
    tree = ast.parse((ROOT / "tests" / path).read_text())
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert {name for file, name in NAMED if file == path} <= defined
