"""The parts that `extract-your-own.md` calls reusable leave this product without it, and have the size it states."""

import re
from pathlib import Path

import pytest

from tests.second_extraction.parts import (
    PARTS,
    PRODUCT,
    copy_parts,
    imported_by,
    reused_lines,
    written_lines,
)
from tests.servers import ROOT

PAGE = ROOT / "deploy/docs/extract-your-own.md"
TOLERANCE = 0.1


def test_the_parts_work_in_a_folder_of_their_own(tmp_path: Path) -> None:
    copied = copy_parts(tmp_path)
    found = imported_by([name for names in PARTS.values() for name in names], tmp_path)
    assert len(found) == copied, "nothing is imported that was not copied"
    assert [name for name in found if name.startswith(PRODUCT)] == []


@pytest.mark.parametrize("lines", [reused_lines(), written_lines()], ids=["reused", "written"])
def test_the_page_states_the_lines(lines: dict[str, int]) -> None:
    stated = dict(re.findall(r"^\| (.+?) \| (\d+) \| [\d.]+ \|$", PAGE.read_text(), re.MULTILINE))
    for part, count in lines.items():
        assert int(stated[part]) == pytest.approx(count, rel=TOLERANCE), (
            f"{part}: run `python -m tests.second_extraction.parts` and update the page"
        )
