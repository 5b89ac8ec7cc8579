"""Mutants of a file: its text with one change."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Mutant(NamedTuple):
    """One change: the text from `start` to `end`, offsets in the file, becomes `text`. `code` is its first line."""

    file: str
    line: int
    code: str
    before: str
    text: str
    start: int
    end: int

    def apply(self, source: str) -> str:
        return source[: self.start] + self.text + source[self.end :]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: `{self.before}` -> `{self.text}`"


_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==", ast.Is: "is not",
    ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip
_SQL = (
    (r" < ", " <= "),
    (r" <= ", " < "),
    (r" >= ", " > "),
    (r" = (?!')", " <> "),
    (r" <> ", " = "),
    (r" AND [\w.]+(?: [<>=]+ [\w.]+(?:\(\))?)?(?![\w.( ])", ""),
    (r" AND [\w.]+ [<>=]+ [\w.]+(?:\(\))?(?= AND|$)", ""),
    (r"\bNOT FOUND\b", "FOUND"),
    (r"\btrue\b", "false"),
    (r"\bfalse\b", "true"),
    (r"\bcoalesce\(([^,()]+), true\)", r"coalesce(\1, false)"),
)


def mutants_of(path: Path, name: str) -> list[Mutant]:
    """Return every mutant of a Python or SQL file, in the order of the text."""
    source = path.read_text()
    found = _of_sql(source, name) if path.suffix == ".sql" else _of_python(source, name)
    return sorted(set(found), key=lambda mutant: (mutant.start, mutant.text))


def _of_python(source: str, name: str) -> Iterator[Mutant]:
    starts, lines = [0], source.splitlines(keepends=True)
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))
    encoded = source.encode()

    def mutant(node: ast.expr, text: str) -> Mutant:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
        before = encoded[start:end].decode()
        return Mutant(
            name,
            node.lineno,
            lines[node.lineno - 1].strip(),
            " ".join(before.split()),
            text,
            len(encoded[:start].decode()),
            len(encoded[:end].decode()),
        )

    for node in ast.walk(ast.parse(source)):
        for changed, text in _changes(node):
            yield mutant(changed, text)


def _changes(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS:
        left, right = ast.unparse(node.left), ast.unparse(node.comparators[0])
        yield node, f"({left} {_COMPARISONS[type(node.ops[0])]} {right})"
    elif isinstance(node, ast.BoolOp):
        word = " or " if isinstance(node.op, ast.And) else " and "
        yield node, f"({word.join(f'({ast.unparse(value)})' for value in node.values)})"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node, f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield node, str(not node.value)
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield node, str(node.value + 1)
    elif isinstance(node, ast.If):
        yield node.test, f"(not ({ast.unparse(node.test)}))"
    elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield node.value, "None"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _of_sql(source: str, name: str) -> Iterator[Mutant]:
    for line, start in _code_lines(source):
        for pattern, text in _SQL:
            if " = " in pattern and " SET " in line:
                continue  # An assignment.
            for found in re.finditer(pattern, line):
                number = source.count("\n", 0, start) + 1
                before, at = found[0].strip(), start + found.start()
                yield Mutant(name, number, line.strip(), before, found.expand(text), at, start + found.end())


def _code_lines(source: str) -> Iterator[tuple[str, int]]:
    """Yield the lines inside functions, without comments, with their offset."""
    at, inside = 0, False
    for line in source.splitlines(keepends=True):
        if line.startswith("END $$"):
            inside = False
        if inside and not line.lstrip().startswith("--"):
            yield line.partition("--")[0], at
        if line.startswith("BEGIN"):
            inside = True
        at += len(line)
