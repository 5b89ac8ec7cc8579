"""The page about the booking site and the back office has every point, and the tests that it names exist."""

import ast
import re

import pytest

from tests.architecture.committed import ROOT

PAGE = (ROOT / "deploy/docs/web-pages.md").read_text()
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)


def test_every_point_has_a_row_with_a_test() -> None:
    rows = re.findall(r"^\| (\d+)\. .* \| `[\w/]+\.py::", PAGE, re.MULTILINE)
    assert [int(number) for number in rows] == [*range(1, 26), *range(1, 13)]


@pytest.mark.parametrize("path", sorted({path for path, _ in NAMED}))
def test_named_tests_exist(path: str) -> None:
    tree = ast.parse((ROOT / "tests" / path).read_text())
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert {name for file, name in NAMED if file == path} <= defined
