"""The results of a run: one folder per side, which `extraction load compare` reads.

A folder has `rows.csv` and `generator.json`, as every run of the generator, and `run.json` with its description.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from loadtests.generator.api_client import LoadError
from loadtests.generator.rows import RequestRow, RowsError, RowWriter, read_rows
from loadtests.generator.self_report import REPORT_FILE, ROWS_FILE, GeneratorReport

RUN_FILE: Final = "run.json"


class RunDescription(msgspec.Struct, frozen=True, kw_only=True):
    """The schedule of one run and its target; runs with equal schedules can be compared.

    `journeys` are the journeys and sessions of the schedule, `problems` the reasons why the run is invalid.
    """

    side: str
    host: str
    scenario: str
    rate: float
    seconds: float
    seed: int
    journeys: list[str]
    problems: list[str] = []

    @property
    def schedule(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in ("scenario", "rate", "seconds", "seed", "journeys")}


class StoredRun(NamedTuple):
    """A run as read from its folder; the rows' times count from 0 s of the run."""

    folder: Path
    description: RunDescription
    report: GeneratorReport
    rows: list[RequestRow]


def write_run(folder: Path, description: RunDescription, report: GeneratorReport, rows: Sequence[RequestRow]) -> None:
    """Write one side's folder; the rows' times count from 0 s of the run. Raises LoadError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ROWS_FILE).open("w", newline="", encoding="utf-8") as file:
            writer = RowWriter(file)
            for row in rows:
                writer.add(row, {}, began=0.0)
        (folder / REPORT_FILE).write_bytes(msgspec.json.encode(report))
        (folder / RUN_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(description)))
    except OSError as error:
        raise LoadError(f"{error.filename or folder} cannot be written: {error.strerror}") from error


def read_runs(folder: Path) -> list[StoredRun]:
    """Read the run in a folder, or the runs in its subfolders, sorted by side. Raises LoadError."""
    folders = [folder] if (folder / RUN_FILE).exists() else sorted(path.parent for path in folder.glob(f"*/{RUN_FILE}"))
    if not folders:
        raise LoadError(f"{folder} has no results: `extraction load --results {folder}` writes them")
    return [_read(each) for each in folders]


def _read(folder: Path) -> StoredRun:
    try:
        description = msgspec.json.decode((folder / RUN_FILE).read_bytes(), type=RunDescription)
        report = msgspec.json.decode((folder / REPORT_FILE).read_bytes(), type=GeneratorReport)
        rows = [row.as_row(description.side) for row in read_rows(folder / ROWS_FILE)]
    except (OSError, msgspec.DecodeError, RowsError) as error:
        raise LoadError(f"{folder} does not contain a complete run: {error}") from error
    return StoredRun(folder, description, report, rows)
