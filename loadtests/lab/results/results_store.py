"""The results folder: every trial is stored atomically as soon as it is measured."""

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from deploy.errors import CommandError
from loadtests.lab.results.model import (
    SCHEMA_VERSION,
    BlastCell,
    MeasurementConditions,
    Results,
    ResultsError,
    Trial,
    read_results,
)

RESULTS_FILE: Final = "results.json"
SCHEMA_FILE: Final = "results.schema.json"
REPORT_FILE: Final = "report.html"
LOGS_FOLDER: Final = "logs"
"""Server logs of a laboratory that failed."""
REQUIRED_BYTES: Final = 2_000_000_000
"""Free disk space for databases, logs and raw rows, with a margin."""


class ResultsFolder:
    """Writes the results after each trial, so that an interruption loses no measured trial."""

    def __init__(self, path: Path, results: Results) -> None:
        self.path = path
        self.results = results

    @property
    def conditions(self) -> MeasurementConditions:
        return self.results.conditions

    def add(self, trials: Sequence[Trial]) -> None:
        self._write(msgspec.structs.replace(self.results, trials=(*self.results.trials, *trials)))

    def add_blast(self, cells: Sequence[BlastCell]) -> None:
        self._write(msgspec.structs.replace(self.results, blast=(*self.results.blast, *cells)))

    def set_conditions(self, conditions: MeasurementConditions) -> None:
        self._write(msgspec.structs.replace(self.results, conditions=conditions))

    def _write(self, results: Results) -> None:
        write_atomically(self.path / RESULTS_FILE, msgspec.json.format(msgspec.json.encode(results), indent=1))
        self.results = results


def create_folder(
    path: Path, conditions: MeasurementConditions, machine: str, thresholds_version: int
) -> ResultsFolder:
    """Create a results folder without trials, with the JSON schema of its results."""
    results = Results(
        schema=SCHEMA_VERSION,
        thresholds_version=thresholds_version,
        machine=machine,
        conditions=conditions,
    )
    folder = ResultsFolder(path, results)
    schema = msgspec.json.encode(msgspec.json.schema(Results))
    write_atomically(path / SCHEMA_FILE, msgspec.json.format(schema, indent=1))
    folder.set_conditions(conditions)
    return folder


def resume_folder(path: Path) -> ResultsFolder | None:
    """Open the results of an earlier laboratory, or return None when there are none yet. Raises CommandError."""
    if not (path / RESULTS_FILE).exists():
        if path.exists() and any(each.name != LOGS_FOLDER for each in path.iterdir()):
            raise CommandError(f"{path} contains other files: choose a new folder with --out")
        return None
    return open_results(path)


def open_results(path: Path) -> ResultsFolder:
    """Open existing results. Raises CommandError when there are none, or when their version differs."""
    file = path / RESULTS_FILE if path.is_dir() else path
    try:
        return ResultsFolder(file.parent, read_results(file.read_bytes(), str(file)))
    except FileNotFoundError:
        raise CommandError(f"{path} contains no laboratory results: create some with `extraction lab run`") from None
    except (OSError, ResultsError) as error:
        raise CommandError(str(error)) from error


def require_free_space(*folders: Path) -> None:
    """Raises CommandError when a disk has too little space for a measurement."""
    for folder in folders:
        free = shutil.disk_usage(_nearest_existing(folder)).free
        if free < REQUIRED_BYTES:
            raise CommandError(
                f"{folder} has {free / 1e9:.1f} GB free and the laboratory requires {REQUIRED_BYTES / 1e9:g}: free "
                "some space, or choose another disk with --out and TMPDIR"
            )


def save_logs(source: Path, out: Path) -> None:
    """Copy the server logs to the results folder, as far as its disk has space."""
    with contextlib.suppress(OSError):
        for log in source.rglob("*.log"):
            copy = out / LOGS_FOLDER / log.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(log, copy)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that readers see either the old or the new content."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    with unfinished.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


def _nearest_existing(folder: Path) -> Path:
    return next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
