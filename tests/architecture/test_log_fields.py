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
    code = 'log.info("", extra={"fields": {"one": 1}})\nlog.info("", extra={"fields": more()})\n'
    code += 'def more():\n    return {"two": 2}\n'
    assert set(written_fields(code)) == {"one", "two"}


def written_fields(code: str) -> Iterator[str]:
    """Yield the keys of what is logged as `fields`: a dictionary, or what a function of the same file returns."""
    tree = ast.parse(code)
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        for key, value in zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ():
            if isinstance(key, ast.Constant) and key.value == "fields":
                yield from _keys(value)
                if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
                    returns = (each for each in ast.walk(functions[value.func.id]) if isinstance(each, ast.Return))
                    yield from (name for each in returns for name in _keys(each.value))


def _keys(value: ast.expr | None) -> Iterator[str]:
    if isinstance(value, ast.Dict):
        yield from (str(key.value) for key in value.keys if isinstance(key, ast.Constant))
