"""Every command that a document quotes exists: `extraction ...` with its options, and `make ...`."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from deploy.cli.main import extraction
from tests.architecture.committed import ROOT, committed, name_of

PAGES = [path for path in committed() if path.suffix == ".md"]
_QUOTED = re.compile(r"`((?:\.venv/bin/)?extraction [^`\n]+|make [a-z][^`\n]*)`")
_LINE = re.compile(r"^\s*(?:[A-Z_]+=\S+ )*((?:\.venv/bin/)?extraction [^#\n]+|make [a-z][^#\n]*)", re.MULTILINE)
_BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_TARGETS = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_quoted_commands_exist(page: Path) -> None:
    assert [command for command in commands(page.read_text()) if not exists(command)] == []


def test_commands_of_the_makefile_exist() -> None:
    recipes = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    found = re.findall(r"\$\(EXTRACTION\) ([\w ,.-]+)", recipes)
    assert found
    assert [command for command in found if not exists(f"extraction {command.strip()}")] == []


@pytest.mark.parametrize(
    "command",
    [
        "extraction lab sprint",
        "extraction status --yaml",
        "extraction flag",
        "make everything",
        "extraction verify x",
        "extraction load --speed 1",
    ],
)
def test_a_command_that_does_not_exist_is_found(command: str) -> None:
    assert exists(command) == (command == "extraction flag")


def commands(text: str) -> Iterator[str]:
    yield from _QUOTED.findall(_BLOCK.sub("", text))
    for block in _BLOCK.findall(text):
        yield from _LINE.findall(block)


def exists(command: str) -> bool:
    program, *arguments = shlex.split(command)
    if program == "make":
        return {word for word in arguments if "=" not in word} <= _TARGETS
    found: click.Command = extraction
    while isinstance(found, click.Group) and arguments:
        name = arguments.pop(0)
        if name.startswith("-") and found.invoke_without_command:
            return _accepts(found, [name, *arguments])
        if name.startswith("-") or name.isupper():
            return name in ("--help", "-h", "COMMAND")
        subcommand = found.get_command(click.Context(found), name)
        if subcommand is None:
            return False
        found = subcommand
    return _accepts(found, arguments)


def _accepts(command: click.Command, arguments: list[str]) -> bool:
    options = {name for parameter in command.params for name in parameter.opts} | {"--help", "-h"}
    if any(word.split("=")[0] not in options for word in arguments if word.startswith("--")):
        return False
    takes_arguments = any(isinstance(parameter, click.Argument) for parameter in command.params)
    return takes_arguments or not arguments or arguments[0].startswith("-")
