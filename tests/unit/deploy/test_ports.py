"""Ports for servers of several processes that start at the same time."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from deploy.devstack import ports

PICK = "from deploy.devstack.ports import free_port; print(*(free_port() for _ in range(1500)))"


def test_no_two_processes_get_the_same_port(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", PICK]
    picking = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    picked = [port for each in picking for port in each.communicate(timeout=60)[0].split()]
    assert len(picked) == len(set(picked)) == 3 * 1500


def test_reservation_ends_by_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(ports, "FIRST", (port := ports.free_port()))
    monkeypatch.setattr(ports, "LAST", port + 1)
    with pytest.raises(OSError, match="no free port"):
        ports.free_port()
    (reservation,) = tmp_path.rglob(str(port))
    old = time.time() - ports.RESERVED_SECONDS - 1
    os.utime(reservation, (old, old))
    assert ports.free_port() == port
