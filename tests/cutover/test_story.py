"""`make story` with short chapters."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import ROOT


@pytest.mark.long
def test_story_completes_and_writes_its_page(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "loadtests.story", "--seconds", "2"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("writes paused for") == 9
    assert "Every acknowledged result is stored" in (tmp_path / ".artifacts/story.html").read_text()
