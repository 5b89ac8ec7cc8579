"""Postgres does not run as root, wherever the clone is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.devstack.identity import postgres_identity

MAY_RUN = "import os, sys; sys.exit(not os.access(sys.argv[1], os.X_OK))"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be refused for being root")
def test_postgres_runs_below_a_folder_that_only_root_may_enter(tmp_path: Path) -> None:
    """Postgres checks with access(2) that it may run its own programs, which ignores capabilities."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    true = shutil.which("true")
    assert true is not None
    program = Path(shutil.copy(true, closed / "program"))

    prefix = postgres_identity(program).prefix

    may_run = subprocess.run([*prefix, sys.executable, "-c", MAY_RUN, str(program)], check=False)
    assert may_run.returncode == 0
    assert subprocess.run([*prefix, "id", "-u"], check=True, capture_output=True, text=True).stdout.strip() != "0"
