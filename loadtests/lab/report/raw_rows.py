"""The raw rows of a results folder, for charts that need every arrival; reports work without them."""

from pathlib import Path

from loadtests.generator.rows import RawRow, RowsError, read_rows, without_warm_up
from loadtests.generator.self_report import ROWS_FILE
from loadtests.lab.results.model import Results

RawRows = dict[str, list[RawRow]]
"""Rows by the name of the run's folder."""


def read_raw_rows(folder: Path, results: Results) -> RawRows:
    """Read the rows, without warm-up, of the runs whose file still exists."""
    found: RawRows = {}
    for run in results.runs:
        try:
            found[run.folder] = without_warm_up(read_rows(folder / run.folder / ROWS_FILE))
        except RowsError:
            continue
    return found
