"""A process as a deployment file declares it, compared with what the code accepts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from contracts.chassis.settings import number
from deploy.settings.inspection import load, read_settings_of
from deploy.settings.processes import BY_COMMAND, PROCESSES, Process

PYTHON_SETTINGS = {"PGPASSWORD", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONSAFEPATH", "PYTHONPATH", "PATH"}
"""What Python and libpq read themselves."""

WEB_DEFAULTS = {"monolith web": 8000, "scheduling web": 8001, "console": 8002}


def declared_process(command: Sequence[str], environment: Mapping[str, str]) -> Process:
    """Return the process that the command starts, after checking that it would start with the environment.

    The program may be given with its folder. Fails for a command that the code does not have, for a setting that the
    process does not read, for a required setting that is missing, and for a value that the process refuses.
    """
    program = (Path(command[0]).name, *command[1:])
    assert program in BY_COMMAND, f"no process of the product is started by {' '.join(command)}"
    process = BY_COMMAND[program]
    known = {*read_settings_of(process), *PYTHON_SETTINGS}
    assert set(environment) <= known, f"{process.name} does not read {sorted(set(environment) - known)}"
    load(process, environment)
    return process


def port_of(process: Process, environment: Mapping[str, str]) -> int:
    """Return the port on which the process serves with this environment; 0 if it serves none."""
    if process.port_setting is None:
        return 0
    return number(environment, process.port_setting, WEB_DEFAULTS.get(process.name, 0), at_least=0, at_most=65535)


def read_environment_file(path: Path) -> dict[str, str]:
    """Read NAME=value lines, as Docker, systemd and Kustomize do; comments and empty lines are skipped."""
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def long_running() -> set[str]:
    """Return the names of the processes that a deployment keeps running."""
    return {process.name for process in PROCESSES if not process.name.endswith("set-up")}
