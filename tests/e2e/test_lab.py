"""The laboratory as load-testers use it: measured, interrupted, resumed and reported on; two never run at once."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.devstack.program import ROOT
from tests.polling import eventually

pytestmark = [pytest.mark.long, pytest.mark.alone]
SHORT = ["--arms", "M1,X", "--quick", "--seed", "4"]
NO_VERDICT, INTERRUPTED, WRONG_USE = 40, 130, 2
HUNG_SECONDS = 1800
"""The slower a machine, the more trials a laboratory needs to find the capacity of an arm."""


@pytest.fixture
def isolated(tmp_path: Path) -> dict[str, str]:
    """Return an environment with a temporary folder of its own, for the machine's lock, databases and logs."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    return {**os.environ, "TMPDIR": str(folder)}


def lab(environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "deploy.cli.main", "lab", *words]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=HUNG_SECONDS, check=False
    )


@contextmanager
def running_lab(environment: dict[str, str], *words: str) -> "Iterator[subprocess.Popen[str]]":
    command = [sys.executable, "-m", "deploy.cli.main", "lab", *words]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def trials_in(out: Path) -> int:
    return len(json.loads((out / "results.json").read_text())["trials"]) if (out / "results.json").exists() else 0


def booked_in(results: dict[str, Any]) -> set[str]:
    """Return the arms in which something was booked: not necessarily in a trial far above, or far below, capacity."""
    return {trial["arm"] for trial in results["trials"] if trial["bookings"] > 0}


def test_interrupted_laboratory_keeps_its_trials_and_can_be_resumed(isolated: dict[str, str], tmp_path: Path) -> None:
    out, junit = tmp_path / "results", tmp_path / "gates.xml"
    command = ("run", *SHORT, "--out", str(out), "--junit", str(junit))
    with running_lab(isolated, *command) as first:
        eventually(lambda: trials_in(out) >= 1, "a first trial", seconds=180)
        second = lab(isolated, "run", *SHORT, "--out", str(tmp_path / "other"))
        assert second.returncode == WRONG_USE
        assert "another laboratory is running on this machine" in second.stderr
        first.send_signal(signal.SIGINT)
        output, _ = first.communicate(timeout=60)
    assert first.returncode == INTERRUPTED, output
    assert "the completed trials are kept" in output
    kept = trials_in(out)

    resumed = lab(isolated, *command)
    assert f"{kept} trials are already measured" in resumed.stdout, resumed.stdout + resumed.stderr
    assert resumed.returncode == NO_VERDICT, resumed.stdout + resumed.stderr
    results = json.loads((out / "results.json").read_text())
    assert {trial["arm"] for trial in results["trials"]} == booked_in(results) == {"M1", "X"}
    problems = [problem for trial in results["trials"] for problem in trial["problems"]]
    assert not any("missing" in problem or "overlap" in problem for problem in problems)
    assert all(trial["statements"]["scheduling"]["elapsed_ms"] > 0 for trial in results["trials"])
    assert "How far each arm reaches" in (out / "report.html").read_text()
    assert "the question is decided" in junit.read_text()
    assert list((tmp_path / "tmp").glob("extraction-lab-*")) == []

    refused = lab(isolated, "run", *SHORT[:-2], "--seed", "5", "--out", str(out))
    assert (refused.returncode, refused.stderr.count("\n")) == (WRONG_USE, 1)
    assert "was started with --seed 4, not 5" in refused.stderr
    assert lab(isolated, "compare", str(out), str(out)).returncode == WRONG_USE, "one search is not enough to compare"


def test_interrupt_before_the_first_run_stops_all_servers(isolated: dict[str, str], tmp_path: Path) -> None:
    with running_lab(isolated, "run", *SHORT, "--out", str(tmp_path / "results")) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "starting the servers\n"
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == WRONG_USE
    assert "interrupted before anything was measured" in output
    assert list((tmp_path / "tmp").glob("extraction-lab-*")) == []


def test_custom_remedy_becomes_an_arm_and_an_inapplicable_one_is_reported(
    isolated: dict[str, str], tmp_path: Path
) -> None:
    index, broken, refused = tmp_path / "index.sql", tmp_path / "broken.sql", tmp_path / "refused.env"
    index.write_text("CREATE INDEX tried ON scheduling.claim (business_id, starts_at);")
    broken.write_text("CREATE INDEX tried ON nowhere (at);")
    refused.write_text("AVAILABILITY_CACHE_SECONDS=61")
    alone = ["--arms", "M1", *SHORT[2:]]

    for remedy, message in (
        (broken, 'the remedy of M1-broken cannot be applied: relation "nowhere" does not exist'),
        (refused, "AVAILABILITY_CACHE_SECONDS is malformed"),
    ):
        done = lab(isolated, "run", *alone, "--remedy", f"{remedy.stem}={remedy}", "--out", str(tmp_path / remedy.stem))
        assert done.returncode == WRONG_USE
        assert message in done.stderr

    out = tmp_path / "results"
    tried = [*alone, "--remedy", f"index={index}", "--out", str(out)]
    assert lab(isolated, "run", *tried).returncode == NO_VERDICT
    results = json.loads((out / "results.json").read_text())
    assert {trial["arm"] for trial in results["trials"]} == booked_in(results) == {"M1", "M1-index"}

    index.write_text("SELECT 1")
    other = lab(isolated, "run", *tried)
    assert "was started with another remedy M1-index: choose another --out" in other.stderr
