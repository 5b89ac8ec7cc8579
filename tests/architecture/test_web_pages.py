"""The pages about the booking site, back office, console and learning path have every point, with tests that exist."""

import ast
import re

import pytest

from tests.architecture.committed import ROOT

PAGES = {
    "web-pages": [*range(1, 26), *range(1, 13)],
    "console-and-learning-path": [*range(1, 26), *range(1, 16)],
}
"""The numbers of the points on each page."""

TEXTS = {page: (ROOT / f"deploy/docs/{page}.md").read_text() for page in PAGES}
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", "".join(TEXTS.values()))


@pytest.mark.parametrize("page", PAGES)
def test_every_point_has_a_row_with_a_test(page: str) -> None:
    rows = re.findall(r"^\| (\d+)\. .* \| `[\w/]+\.py::", TEXTS[page], re.MULTILINE)
    assert [int(number) for number in rows] == PAGES[page]


@pytest.mark.parametrize("path", sorted({path for path, _ in NAMED}))
def test_named_tests_exist(path: str) -> None:
    tree = ast.parse((ROOT / "tests" / path).read_text())
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert {name for file, name in NAMED if file == path} <= defined
