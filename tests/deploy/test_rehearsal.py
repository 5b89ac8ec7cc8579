"""The highly available site starts on this machine, and loses no booking when a leader dies."""

import subprocess
import sys

import pytest

from tests.deploy.programs import program
from tests.servers import ROOT

pytestmark = pytest.mark.tools


def test_a_leader_dies_under_load_and_the_ledger_is_clean() -> None:
    for name, package in (("etcd", "etcd-server"), ("haproxy", "haproxy")):
        program(name, f"apt-get install {package}")
    program("patroni", "run `make rehearse-ha`, which installs it")
    command = [sys.executable, "-m", "loadtests.rehearsal", "--smoke", "--members", "2"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 of 1 cases are clean" in result.stdout
