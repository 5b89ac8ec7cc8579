"""The programs of the high-availability rehearsal, and the packages that contain them."""

import importlib.util
import shutil
from pathlib import Path

from deploy.devstack.postgres import postgres_program
from deploy.errors import CommandError

PACKAGES = {"etcd": "etcd-server", "haproxy": "haproxy"}
"""Debian packages, by program."""


def require_programs() -> None:
    """Raise CommandError, which names the packages to install, unless all programs are available."""
    missing = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    problems = [f"apt-get install {' '.join(missing)}"] if missing else []
    wheels = [name for name in ("patroni", "etcd") if importlib.util.find_spec(name) is None]
    if wheels:
        problems.append("pip install 'patroni[etcd3]>=4.1.5'")
    if problems:
        raise CommandError(f"programs of the rehearsal are missing: {'; '.join(problems)}")
    postgres_program("postgres")


def program(name: str) -> Path:
    """Return the path of an installed program."""
    found = shutil.which(name)
    if found is None:
        raise CommandError(f"{name} is missing: apt-get install {PACKAGES[name]}")
    return Path(found)
