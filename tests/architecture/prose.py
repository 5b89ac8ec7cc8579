"""Extract the prose of a file: docstrings, comments, the text of templates, Markdown outside code.

Code and string literals other than docstrings are not prose here. Each passage keeps the line on which it starts.
"""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_WORD = re.compile(r"[A-Za-z]+(?:['\u2019][a-z]+)?")
_MARKUP = re.compile(r"<!--|-->|<[^>]*>|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_SCRIPT = re.compile(r"<(script|style)\b.*?</\1>", re.DOTALL)
_FENCED = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
_LINKED = re.compile(r"\]\([^)]*\)|<https?:[^>]*>")
_INLINE_CODE = re.compile(r"``[^`]+``|`[^`]+`")
_COMMENTED_SUFFIXES = {".sql": "--", ".sh": "#", ".toml": "#", ".yml": "#", ".yaml": "#"}


@dataclass(frozen=True)
class Passage:
    """A docstring, a run of comments, or the text of a page. `line` is the number of its first line."""

    line: int
    text: str
    is_docstring: bool = False

    @property
    def words(self) -> int:
        return len(_WORD.findall(self.text))


def passages(path: Path) -> Iterator[Passage]:
    """Yield the prose of a file, with inline code blanked out; nothing for a file of another kind."""
    for passage in _reader(path)(path.read_text(errors="replace")):
        text = _blank(_INLINE_CODE, passage.text)
        yield Passage(passage.line, text, passage.is_docstring)


def _reader(path: Path) -> Callable[[str], Iterator[Passage]]:
    if path.suffix == ".py":
        return _python
    if path.suffix == ".md":
        return lambda text: iter([Passage(1, _blank(_LINKED, _blank(_FENCED, text)))])
    if path.suffix == ".html":
        return lambda text: iter([Passage(1, _blank(_MARKUP, _blank(_SCRIPT, text)))])
    mark = "#" if path.name in ("Makefile", "Dockerfile") else _COMMENTED_SUFFIXES.get(path.suffix)
    return lambda text: _comment_lines(text, mark) if mark else iter(())


def _python(source: str) -> Iterator[Passage]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False)
            if docstring is not None:
                yield Passage(node.body[0].lineno, docstring, is_docstring=True)
    yield from _runs(_python_comments(source))


def _python_comments(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        directive = re.match(r"#!|# ?(noqa|type:|fmt:|pragma)", token.string)
        if token.type == tokenize.COMMENT and not directive:
            yield token.start[0], re.sub(r"#\s*(noqa|type:|pragma).*", "", token.string[1:])


def _comment_lines(source: str, mark: str) -> Iterator[Passage]:
    """Whole-line comments, and the help text that follows `##` in a Makefile."""
    found = re.compile(rf"^\s*{mark}(?!!)(.*)|^[^\s#].*?##(.*)")
    lines = ((number, found.match(line)) for number, line in enumerate(source.splitlines(), 1))
    yield from _runs((number, match[1] or match[2] or "") for number, match in lines if match)


def _runs(lines: Iterator[tuple[int, str]]) -> Iterator[Passage]:
    """Join comments on consecutive lines, since a sentence may continue on the next line."""
    start, previous, texts = 0, 0, list[str]()
    for number, text in lines:
        if texts and number != previous + 1:
            yield Passage(start, "\n".join(texts))
            texts = []
        if not texts:
            start = number
        texts.append(text)
        previous = number
    if texts:
        yield Passage(start, "\n".join(texts))


def _blank(pattern: re.Pattern[str], text: str) -> str:
    """Replace each match by a placeholder that is no word, keeping line numbers."""
    return pattern.sub(lambda match: " _ " + "\n" * match[0].count("\n"), text)
