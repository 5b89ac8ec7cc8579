"""Every row of the tables of faults and hostile inputs has a test that names it."""

import ast
from pathlib import Path

from tests.faults.rows import ROWS

TESTS = Path(__file__).parents[1]
# Rows that no test names yet. A row leaves the list together with its test.
OPEN: set[str] = set()


def _named(path: Path) -> set[str]:
    """Return the rows that the tests of one file name."""
    calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    return {
        argument.value
        for call in calls
        if ast.unparse(call.func) == "pytest.mark.row"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def test_every_row_has_a_test() -> None:
    named = set().union(*(_named(path) for path in TESTS.rglob("test_*.py")))
    assert named <= set(ROWS)
    assert set(ROWS) - named == OPEN
