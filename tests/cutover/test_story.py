"""A shortened run of `make story`."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import ROOT


@pytest.mark.long
def test_story_runs_to_its_end(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "loadtests.story", "--seconds", "2"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.count("writes waited at most") == 9
    assert "Every acknowledged result stands" in (tmp_path / ".artifacts/story.html").read_text()
