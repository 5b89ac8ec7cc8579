"""The systemd units: valid, hardened, and of processes that start with the settings that the units give them."""

import os
import re
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from deploy.devstack.keys import load_keys
from deploy.devstack.ports import free_port
from deploy.devstack.postgres import SETTINGS as POSTGRES_SETTINGS
from deploy.devstack.program import http_check
from deploy.settings.processes import PROCESSES
from tests.databases import Databases
from tests.deploy.declared import declared_process, read_environment_file
from tests.deploy.programs import program
from tests.polling import eventually
from tests.servers import ROOT

FOLDER = ROOT / "deploy/systemd"
UNITS = sorted(FOLDER.glob("*.service"))
INSTALLED = "/opt/extraction/.venv/bin/"
SYSTEMD = "it is a part of systemd"
HIGHEST_EXPOSURE = 15
"""In tenths, of the scale from 0 to 10 of `systemd-analyze security`."""


def name_of(unit: Path) -> str:
    return unit.stem


def options_of(unit: Path) -> dict[str, list[str]]:
    """Return the values of each option, in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for option, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE):
        found[option].append(value)
    return found


def environment_of(unit: Path, secrets: Path) -> dict[str, str]:
    options = options_of(unit)
    environment = dict(pair.split("=", 1) for value in options["Environment"] for pair in value.split())
    for file in options["EnvironmentFile"]:
        path = Path(file)
        assert path.parent == Path("/etc/extraction")
        environment |= read_environment_file((secrets if path.suffix == ".env" else FOLDER / "settings") / path.name)
    return environment


@pytest.mark.parametrize("unit", UNITS, ids=name_of)
def test_a_unit_starts_a_process_with_the_settings_that_it_reads(unit: Path, secrets_folder: Path) -> None:
    (command,) = options_of(unit)["ExecStart"]
    assert command.startswith(INSTALLED)
    process = declared_process(command.split(), environment_of(unit, secrets_folder))
    assert name_of(unit) == f"extraction-{process.name.replace(' ', '-')}"


def test_every_process_has_a_unit_and_every_settings_file_is_used() -> None:
    assert {name_of(unit) for unit in UNITS} == {f"extraction-{p.name.replace(' ', '-')}" for p in PROCESSES}
    used = {Path(file).name for unit in UNITS for file in options_of(unit)["EnvironmentFile"]}
    assert {path.name for path in (FOLDER / "settings").iterdir()} == {name for name in used if name.endswith(".conf")}


def test_all_units_have_the_same_hardening() -> None:
    hardening = {unit.read_text().partition("# Hardening:")[2].partition("\n[Install]")[0].strip() for unit in UNITS}
    assert len(hardening) == 1


@pytest.mark.parametrize("unit", UNITS, ids=name_of)
def test_the_metrics_folder_is_one_that_systemd_creates(unit: Path) -> None:
    options = options_of(unit)
    folders = [pair.partition("=")[2] for pair in options["Environment"] if pair.startswith("PROMETHEUS_")]
    assert folders == [f"/run/{folder}/metrics" for folder in options["RuntimeDirectory"]]


def test_postgres_has_the_replication_settings_of_the_development_stack() -> None:
    settings = dict(re.findall(r"^(\w+) = ([\w-]+)$", (FOLDER / "postgresql.conf").read_text(), re.MULTILINE))
    assert settings.pop("password_encryption") == "scram-sha-256"
    assert settings == {name: POSTGRES_SETTINGS[name] for name in settings}
    assert {"wal_level", "max_wal_senders", "max_replication_slots", "max_slot_wal_keep_size"} <= set(settings)


@pytest.mark.tools
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    analyze = program("systemd-analyze", SYSTEMD)
    for unit in UNITS:
        here = f"{Path(sys.executable).parent}/"
        (tmp_path / unit.name).write_text(unit.read_text().replace(INSTALLED, here))
    units = sorted(tmp_path.glob("*.service"))
    verified = subprocess.run([analyze, "verify", "--man=no", *units], capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")
    assessment = ["security", "--offline=true", f"--threshold={HIGHEST_EXPOSURE}", "--no-pager"]
    assessed = subprocess.run([analyze, *assessment, *units], capture_output=True, text=True)
    assert assessed.returncode == 0, assessed.stdout


@pytest.mark.tools
@pytest.mark.skipif(sys.platform != "linux", reason="system calls of Linux")
def test_the_web_process_makes_only_system_calls_that_its_unit_allows(databases: Databases, tmp_path: Path) -> None:
    """Traced from its start to its end, with a readiness probe that queries the database."""
    trace, port = tmp_path / "trace", free_port()
    keys = load_keys(tmp_path / "keys.json")
    environment = os.environ | {
        "SCHEDULING_DATABASE_URL": databases.scheduling_url,
        "DATABASE_ROLE_SECRET": databases.role_secret,
        "SERVICE_TOKEN_VERIFY_KEYS": keys.verify_keys,
        "METRICS_TOKEN": keys.metrics_token,
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
        "SCHEDULING_PORT": str(port),
    }
    web = ["-m", "gunicorn", "-c", "python:deploy.gunicorn.scheduling", "scheduling_service.wsgi:app"]
    command: list[str | Path] = [
        program("strace", "apt install strace"),
        "-f",
        "-qq",
        "-o",
        trace,
        sys.executable,
        *web,
    ]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        eventually(http_check(port, "/readyz"), "readiness of the traced process", seconds=90)
    finally:
        master = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
        os.kill(master, signal.SIGTERM)
        process.wait(60)
    made = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE))
    assert {"connect", "clone3", "accept4"} & made
    assert made - allowed_calls() == set()


def allowed_calls() -> set[str]:
    """Return the system calls that the units' filters let through."""
    sets = syscall_sets()
    allowed: set[str] = set()
    for value in options_of(FOLDER / "extraction-scheduling-web.service")["SystemCallFilter"]:
        calls = {call for name in value.removeprefix("~").split() for call in expanded(name, sets)}
        allowed = allowed - calls if value.startswith("~") else allowed | calls
    return allowed


def syscall_sets() -> dict[str, set[str]]:
    """Return systemd's named sets of system calls."""
    listed = subprocess.run([program("systemd-analyze", SYSTEMD), "syscall-filter"], capture_output=True, text=True)
    sets: dict[str, set[str]] = defaultdict(set)
    current = ""
    for line in listed.stdout.splitlines():
        if line.startswith("@"):
            current = line.strip()
        elif line.startswith("    ") and "#" not in line:
            sets[current].add(line.strip())
    return sets


def expanded(name: str, sets: dict[str, set[str]]) -> set[str]:
    if not name.startswith("@"):
        return {name}
    return {call for member in sets[name] for call in expanded(member, sets)}
