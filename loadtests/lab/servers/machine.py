"""The machine and the software versions of the results."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from deploy.devstack.program import ROOT
from loadtests.lab.servers.lab_servers import LabServers

_LIBRARIES = ("extraction", "flask", "gunicorn", "locust", "psycopg", "redis", "requests", "sqlalchemy")


def describe_machine() -> str:
    """Return processor, cores, memory and operating system, without the host name."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{_processor()}, {cores} cores, {_memory_gb():.0f} GB, {platform.system()} {platform.release()}"


def collect_versions(servers: LabServers) -> dict[str, str]:
    """Return the versions of Python, Postgres and the main libraries."""
    with servers.administrator("main") as connection:
        row = connection.execute("SHOW server_version").fetchone()
    assert row is not None
    return {
        "python": platform.python_version(),
        "postgres": str(row[0]),
        **{name: version(name) for name in _LIBRARIES},
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def product_commit() -> str:
    """Return the product's commit, with "+" after it where files differ from it; "unknown" outside a repository."""
    try:
        commit = _git("rev-parse", "HEAD")
        return f"{commit[:12]}{'+' if _git('status', '--porcelain', '--untracked-files=no') else ''}"
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
