"""A laboratory's folder: what was measured is kept run by run, whole or not at all."""

import contextlib
import os
import shutil
from pathlib import Path
from typing import Final

import msgspec

from deploy.errors import CommandError
from loadtests.lab.results.model import SCHEMA_VERSION, Conditions, Results, ResultsError, Run, Step, read_results

RESULTS_FILE: Final = "results.json"
SCHEMA_FILE: Final = "results.schema.json"
REPORT_FILE: Final = "report.html"
CAPACITY_FOLDER: Final = "capacity"
"""Raw rows of what was asked before there are results; a laboratory that ended then is begun anew."""
LOGS_FOLDER: Final = "logs"
"""What the servers of a laboratory said that failed."""
NEEDED_BYTES: Final = 2_000_000_000
"""Databases, their logs and the raw rows of a run, with room to spare."""


class ResultsFolder:
    """Results are written after each run, so that whatever ends the laboratory, what it measured is there."""

    def __init__(self, path: Path, results: Results) -> None:
        self.path = path
        self.results = results

    @property
    def conditions(self) -> Conditions:
        assert self.results.conditions is not None, "the laboratory wrote them"
        return self.results.conditions

    def add(self, run: Run) -> None:
        self._write(msgspec.structs.replace(self.results, runs=(*self.results.runs, run)))

    def add_steps(self, steps: list[Step]) -> None:
        self._write(msgspec.structs.replace(self.results, steps=(*self.results.steps, *steps)))

    def change(self, conditions: Conditions) -> None:
        self._write(msgspec.structs.replace(self.results, conditions=conditions))

    def _write(self, results: Results) -> None:
        write_atomically(self.path / RESULTS_FILE, msgspec.json.format(msgspec.json.encode(results), indent=1))
        self.results = results


def create_folder(path: Path, conditions: Conditions, machine: str, version: int) -> ResultsFolder:
    """A new folder."""
    results = Results(
        schema=SCHEMA_VERSION, thresholds_version=version, machine=machine, runs=(), conditions=conditions
    )
    folder = ResultsFolder(path, results)
    write_atomically(
        path / SCHEMA_FILE, msgspec.json.format(msgspec.json.encode(msgspec.json.schema(Results)), indent=1)
    )
    folder.change(conditions)
    return folder


def resume_folder(path: Path) -> ResultsFolder | None:
    """What an earlier laboratory left there, to go on with; None when there is nothing. Raises CommandError."""
    if not (path / RESULTS_FILE).exists():
        if path.exists() and any(each.name not in (CAPACITY_FOLDER, LOGS_FOLDER) for each in path.iterdir()):
            raise CommandError(f"{path} holds something else: name a new folder by --out")
        return None
    return open_results(path)


def open_results(path: Path) -> ResultsFolder:
    """Raises CommandError, in one line, for what is none, or another version's."""
    file = path / RESULTS_FILE if path.is_dir() else path
    try:
        results = read_results(file.read_bytes(), str(file))
        if results.conditions is None:
            raise ResultsError(f"{file} does not say under which conditions it was measured: run it anew")
        return ResultsFolder(file.parent, results)
    except FileNotFoundError:
        raise CommandError(f"{path} holds no results of a laboratory: `extraction lab run` makes some") from None
    except (OSError, ResultsError) as error:
        raise CommandError(str(error)) from error


def require_free_space(*folders: Path) -> None:
    """Raises CommandError when a disk is too full to measure on."""
    for folder in folders:
        free = shutil.disk_usage(_existing(folder)).free
        if free < NEEDED_BYTES:
            raise CommandError(
                f"{folder} has {free / 1e9:.1f} GB left and the laboratory wants {NEEDED_BYTES / 1e9:g}: make room, "
                "or name another disk by --out and TMPDIR"
            )


def save_logs(ground: Path, out: Path) -> None:
    """Before the ground goes; as many as the disk takes."""
    with contextlib.suppress(OSError):
        for log in ground.rglob("*.log"):
            kept = out / LOGS_FOLDER / log.relative_to(ground)
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(log, kept)


def write_atomically(path: Path, data: bytes) -> None:
    """So that nobody ever reads half of it."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    with unfinished.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


def _existing(folder: Path) -> Path:
    return next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
