"""The child processes of a process, such as the workers of a gunicorn master."""

import os
import signal
import subprocess


def children_of(pid: int) -> list[int]:
    """Return the ids of the direct children of a process, smallest first."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [line.split() for line in listed.splitlines()]
    return sorted(int(child) for child, parent in pairs if int(parent) == pid and int(child) != pid)


def kill_workers(master: int | None) -> list[int]:
    """Send SIGKILL to every worker of a master, and return their ids."""
    assert master is not None
    workers = children_of(master)
    assert workers, "the master has no worker"
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    return workers
