"""The machine and the software versions of the results."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

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
