"""The machine and the versions that figures belong to."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

from loadtests.lab.servers.lab_servers import LabServers

_LIBRARIES = ("extraction", "flask", "gunicorn", "locust", "psycopg", "redis", "requests", "sqlalchemy")


def describe_machine() -> str:
    """Of what kind, how many cores, how much memory: without its name."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{_processor()}, {cores} cores, {_memory_gb():.0f} GB, {platform.system()} {platform.release()}"


def collect_versions(ground: LabServers) -> dict[str, str]:
    """Of Python, Postgres, and the libraries that do the work."""
    with ground.administrator("main") as connection:
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
