"""Conventions of the repository: sizes, names, READMEs, decision records, nothing specific to one machine."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.committed import ROOT, committed, name_of

LONGEST_FILE = 300
LONGEST_FUNCTION = 40
LONGEST_README = 80

# Exceptions for tables of data that are easier to read whole: name and reason.
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}

VAGUE = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers", "base", "lib"}

# Written so that this file does not match itself.
MACHINE_OR_HOST = {
    "a package registry": r"pypi\.org|python[h]osted\.|[-]-(?:extra-)?index-url|npmjs\.(?:org|com)|registry\.npm",
    "a path on a developer's machine": r"(?<![\w.$}*-])/(?:work|root|Users|home)/\w",
    "a folder outside the repository": r"\.\./shared\b",
}


COMMITTED = committed()
PYTHON = [path for path in COMMITTED if path.suffix == ".py"]


def packages() -> Iterator[Path]:
    """Yield each folder with modules other than `__init__.py`; below `tests`, only `tests` itself."""
    for folder in sorted({path.parent for path in PYTHON if path.name != "__init__.py"}):
        if (folder / "__init__.py").exists() and "tests" not in folder.relative_to(ROOT).parts[:-1]:
            yield folder


@pytest.mark.parametrize("package", list(packages()), ids=name_of)
def test_every_package_has_a_readme_of_one_screen(package: Path) -> None:
    readme = package / "README.md"
    assert readme.exists(), (
        f"{name_of(readme)} is missing: what lives here, what may import what, where to start reading"
    )
    assert 3 <= len(readme.read_text().splitlines()) <= LONGEST_README


def test_no_file_is_too_long() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in PYTHON}
    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE and name not in LONG_FILES} == {}
    assert all(lengths[name] > LONGEST_FILE for name in LONG_FILES), (
        "remove the exception: the code is short enough now"
    )


def test_no_function_is_too_long() -> None:
    lengths = {f"{name_of(path)}:{name}": length for path in PYTHON for name, length in functions(path)}
    long = {name: n for name, n in lengths.items() if n > LONGEST_FUNCTION}
    assert {name: n for name, n in long.items() if name not in LONG_FUNCTIONS} == {}
    assert set(LONG_FUNCTIONS) <= set(long), "remove the exception: the code is short enough now"


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


def test_no_name_is_vague() -> None:
    assert [name_of(path) for path in PYTHON if {path.stem, path.parent.name} & VAGUE] == []


@pytest.mark.parametrize("what", MACHINE_OR_HOST)
def test_nothing_committed_names_a_machine_or_a_registry(what: str) -> None:
    pattern = re.compile(MACHINE_OR_HOST[what])
    found = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in COMMITTED
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, f"{what} is named in:\n" + "\n".join(found)
