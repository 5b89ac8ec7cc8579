"""The scheduling service installs and imports with its own requirements and without the monolith."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

IMPORT_EVERYTHING = """
import importlib, pkgutil, sys
import contracts, scheduling_service

for package in (contracts, scheduling_service):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        # wsgi and __main__ read the environment; the recorder needs an extra; Alembic runs the migrations.
        skipped = found.name.endswith(("wsgi", "__main__", "opentelemetry_recorder")) or ".migrations" in found.name
        if not skipped:
            importlib.import_module(found.name)
print(*sorted(sys.modules))
"""

ABSENT = (
    "monolith",
    "deploy",
    "loadtests",
    "argon2",
    "gevent",
    "icalendar",
    "locust",
    "openfeature",
    "requests",
)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the service, its contracts and a separate virtual environment."""
    folder = tmp_path_factory.mktemp("service")
    for package in ("contracts", "scheduling_service"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    install = ["install", "--quiet", "--no-input", "--require-hashes", "--disable-pip-version-check", "-r"]
    requirements = ROOT / "deploy/requirements/service.txt"
    subprocess.run([sys.executable, "-m", "pip", "--python", python(folder), *install, requirements], check=True)
    return folder


def test_every_module_imports_and_none_needs_the_monolith(alone: Path) -> None:
    imported = {name.split(".")[0] for name in run(alone, IMPORT_EVERYTHING).split()}
    assert {"flask", "sqlalchemy", "psycopg", "msgspec", "scheduling_service", "contracts"} <= imported
    assert imported.isdisjoint(ABSENT)


@pytest.mark.parametrize("package", ABSENT)
def test_no_part_of_the_monolith_or_the_load_tests_is_installed(alone: Path, package: str) -> None:
    found = run(alone, f"import importlib.util; print(importlib.util.find_spec({package!r}))")
    assert found.strip() == "None"


def test_wsgi_names_a_missing_setting(alone: Path) -> None:
    result = execute(alone, "import scheduling_service.wsgi")
    assert result.returncode == 2
    assert "SCHEDULING_DATABASE_URL" in result.stderr
    assert "Traceback" not in result.stderr


def run(folder: Path, code: str) -> str:
    result = execute(folder, code)
    assert result.returncode == 0, result.stderr
    return result.stdout


def execute(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder)}
    return subprocess.run([python(folder), "-c", code], cwd=folder, env=bare, capture_output=True, text=True)


def python(folder: Path) -> Path:
    return folder / "venv" / "bin" / "python"
