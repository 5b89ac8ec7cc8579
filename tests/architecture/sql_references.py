"""Find the tables and functions that the product's SQL names, and whether the naming package may use their schema."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SCHEMAS = ("auth", "billing", "calendars", "cutover", "notifications", "platform", "scheduling")

_SCHEMA = rf"\b({'|'.join(SCHEMAS)})\."
_CREATED = re.compile(
    rf"\bCREATE (?:OR REPLACE )?(?:UNLOGGED )?(?:TABLE|FUNCTION|VIEW|SEQUENCE|TYPE)(?: IF NOT EXISTS)? {_SCHEMA}(\w+)"
)
_QUALIFIED = re.compile(rf"{_SCHEMA}(\w+|\{{)")
_CLAUSE = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE|TRUNCATE|COPY|LOCK)\s+$")
_SQL_COMMENT = re.compile(r"--[^\n]*")


@dataclass(frozen=True)
class Reference:
    """One mention of a schema's table or function."""

    file: str
    line: int
    schema: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


def created_names(files: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the qualified names that the migrations among these files (name, source) create."""
    return frozenset(
        f"{schema}.{name}"
        for file, source in files
        if "/migrations/" in file
        for schema, name in _CREATED.findall(source)
    )


def references(file: str, source: str, created: frozenset[str]) -> Iterator[Reference]:
    """Yield what the SQL of a file names: a created name anywhere in a string, or any name after an SQL clause.

    Also names that code puts together: `scheduling.{}`, `Identifier("scheduling", ...)` and `func.scheduling.name`.
    """
    for line, text in _sql_texts(file, source):
        for match in _QUALIFIED.finditer(text):
            schema, name = match.groups()
            if name == "{" or match[0] in created or _CLAUSE.search(text, 0, match.start()):
                yield Reference(file, line + text.count("\n", 0, match.start()), schema, match[0])


def _sql_texts(file: str, source: str) -> Iterator[tuple[int, str]]:
    if not file.endswith(".py"):
        yield 1, _SQL_COMMENT.sub("", source)
        return
    tree = ast.parse(source)
    skipped = set(_docstrings(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values)
            yield node.lineno, "".join(_literal(part) for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value
        elif isinstance(node, ast.Attribute | ast.Call):
            yield node.lineno, _composed(node)


def _docstrings(tree: ast.Module) -> Iterator[int]:
    """Yield the identities of string expressions that nothing uses: docstrings of modules, classes, fields."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            yield id(node.value)


def _literal(part: ast.expr) -> str:
    return part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else "{}"


def _composed(node: ast.Attribute | ast.Call) -> str:
    """Return `schema.{` where code composes a name of the schema, else nothing."""
    schema: object = None
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "func":
        schema = node.attr
    elif isinstance(node, ast.Call) and node.args and ast.unparse(node.func).endswith("Identifier"):
        first = node.args[0]
        schema = first.value if isinstance(first, ast.Constant) and len(node.args) > 1 else None
    return f"{schema}.{{" if schema in SCHEMAS else ""


def read(paths: Iterable[Path], root: Path) -> list[tuple[str, str]]:
    return [(path.relative_to(root).as_posix(), path.read_text()) for path in paths if path.suffix in (".py", ".sql")]
