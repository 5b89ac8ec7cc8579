"""The page about logs lists exactly the fields that the code writes."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.committed import ROOT, committed, name_of

PAGE = ROOT / "deploy/docs/logs.md"
PRODUCT = ("contracts", "scheduling_service", "monolith")
OF_EVERY_LINE = {"ts", "level", "event", "logger", "error"}


def test_the_page_lists_the_fields_of_the_code() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    files = [path for path in committed() if path.suffix == ".py" and name_of(path).startswith(PRODUCT)]
    written = {field for path in files for field in written_fields(path.read_text())}
    assert len(listed) == len(set(listed))
    assert set(listed) == written | OF_EVERY_LINE


def test_fields_are_found() -> None:
    code = 'log.info("x", extra={"fields": {"one": 1}})\ndef _fields():\n    return {"two": 2}\n'
    assert set(written_fields(code)) == {"one", "two"}


def written_fields(code: str) -> Iterator[str]:
    """Yield the keys of the dictionaries that are logged as `fields`: in place, or returned by a function `_fields`."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "fields":
                    yield from _keys(value)
        if isinstance(node, ast.FunctionDef) and node.name == "_fields":
            yield from (key for inner in ast.walk(node) if isinstance(inner, ast.Return) for key in _keys(inner.value))


def _keys(value: ast.expr | None) -> Iterator[str]:
    if isinstance(value, ast.Dict):
        yield from (str(key.value) for key in value.keys if isinstance(key, ast.Constant))
