"""Coverage-guided fuzzing of the decoders and of the calendar file: arbitrary bytes break no promise."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import CORPUS, TARGETS
from tests.servers import ROOT

SECONDS = int(os.environ.get("FUZZ_SECONDS", "10"))
SEED = os.environ.get("FUZZ_SEED", "1")

pytestmark = pytest.mark.long


@pytest.mark.parametrize("target", TARGETS)
def test_arbitrary_bytes_break_no_promise(target: str, tmp_path: Path) -> None:
    found_inputs = tmp_path / "found"
    found_inputs.mkdir()
    command = [sys.executable, "-m", "tests.fuzz.guided_process", target, f"-seed={SEED}", f"-max_total_time={SECONDS}"]
    options = ["-max_len=4096", "-print_final_stats=1", f"-artifact_prefix={tmp_path}/"]
    ended = subprocess.run(
        [*command, *options, str(found_inputs), str(CORPUS / target)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-2_000:] + ended.stderr[-2_000:]
    [executed] = re.findall(r"stat::number_of_executed_units: (\d+)", ended.stderr)
    assert int(executed) > len(list((CORPUS / target).iterdir())), "the fuzzer has tried inputs of its own"


def test_exception_of_a_target_fails_the_run(tmp_path: Path) -> None:
    broken = (
        "import atheris, sys\n"
        "def target(data):\n    assert data != b'boom'\n"
        "atheris.Setup(sys.argv, target)\natheris.Fuzz()\n"
    )
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "0").write_bytes(b"boom")
    ended = subprocess.run(
        [sys.executable, "-c", broken, "-runs=10", f"-artifact_prefix={tmp_path}/", str(tmp_path / "inputs")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    assert "AssertionError" in ended.stderr + ended.stdout
