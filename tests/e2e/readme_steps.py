"""The README's *Five minutes*, parsed into steps with their text and commands."""

import re
import shlex
from dataclasses import dataclass

from tests.servers import ROOT

_SECTION = re.compile(r"^## Five minutes$(.*?)^## ", re.MULTILINE | re.DOTALL)
_STEP = re.compile(r"^\d+\. \*\*(.+?)\*\*(.*?)(?=^\d+\. |^\S)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
_ADDRESS = re.compile(r"<(http[^>]+)>")
COMMAND = ".venv/bin/extraction"


@dataclass(frozen=True)
class Step:
    """One numbered step. `commands` are the arguments of `extraction`, one list per line."""

    title: str
    text: str

    @property
    def commands(self) -> list[list[str]]:
        lines = [shlex.split(line) for block in _BLOCK.findall(self.text) for line in block.strip().splitlines()]
        assert all(line[0] == COMMAND for line in lines), lines
        return [line[1:] for line in lines]

    @property
    def addresses(self) -> list[str]:
        return _ADDRESS.findall(self.text)

    def names(self, words: str) -> str:
        """Return `words` after checking that the README emphasizes them for the reader."""
        emphasized = " ".join(self.text.split())
        assert f"*{words}*" in emphasized or f"`{words}`" in emphasized, f"step {self.title!r} does not name {words!r}"
        return words


def five_minutes() -> list[Step]:
    section = _SECTION.search((ROOT / "README.md").read_text())
    assert section
    return [Step(title.rstrip("."), text) for title, text in _STEP.findall(section[1])]
