"""Code that is shown on a page, found by its symbol in the installed source."""

import ast
import importlib.util
from functools import lru_cache
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

from markupsafe import Markup, escape

MAX_LINES = 60


class SymbolNotFound(Exception):
    """The source has no such symbol: it was renamed or deleted."""


class Excerpt(NamedTuple):
    """The code of one symbol. `line` is the number of its first line; `cut` counts the lines that are not shown."""

    symbol: str
    file: str
    line: int
    text: str
    cut: int

    @property
    def html(self) -> Markup:
        """The escaped text. Backticks of docstrings become entities, so that stray Markdown in a page can be found."""
        return Markup(str(escape(self.text)).replace("`", "&#96;"))  # noqa: S704


def cut_excerpt(symbol: str) -> Excerpt:
    """Return the code of `package.module:Class.method`, without importing it. Raises SymbolNotFound."""
    module, _, name = symbol.partition(":")
    path = _file_of(module)
    return _cut(symbol, name, path, path.stat().st_mtime)


def _file_of(module: str) -> Path:
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError as error:
        raise SymbolNotFound(f"there is no module {module}") from error
    if found is None or found.origin is None:
        raise SymbolNotFound(f"there is no module {module}")
    return Path(found.origin)


@lru_cache(maxsize=200)
def _cut(symbol: str, name: str, path: Path, changed_at: float) -> Excerpt:
    """Cut it again whenever the file changes."""
    source = path.read_text(encoding="utf-8")
    node = _find(ast.parse(source), name.split("."))
    if node is None:
        raise SymbolNotFound(f"{path} has no {name}")
    decorators = getattr(node, "decorator_list", [])
    first = min([each.lineno for each in decorators], default=node.lineno)
    assert node.end_lineno is not None, "a parsed statement has an end"
    lines = dedent("\n".join(source.splitlines()[first - 1 : node.end_lineno])).splitlines()
    module = symbol.partition(":")[0]
    parts = module.count(".") + (path.name == "__init__.py") + 1
    file = "/".join(path.parts[-parts:])
    return Excerpt(symbol, file, first, "\n".join(lines[:MAX_LINES]), max(0, len(lines) - MAX_LINES))


def _find(tree: ast.Module | ast.ClassDef, names: list[str]) -> ast.stmt | None:
    for node in tree.body:
        if names[0] in _names_of(node):
            if len(names) == 1:
                return node
            return _find(node, names[1:]) if isinstance(node, ast.ClassDef) else None
    return None


def _names_of(node: ast.stmt) -> list[str]:
    """Return the names that a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [each.id for each in targets if isinstance(each, ast.Name)]
