"""The raw rows of a folder, for the drawings that need every arrival. A report can do without."""

from pathlib import Path

from loadtests.generator.rows import RawRow, RowsError, read_rows, without_warm_up
from loadtests.generator.self_report import ROWS_FILE
from loadtests.lab.results.model import Results

RawRows = dict[str, list[RawRow]]
"""By the name of the run's folder."""


def read_raw_rows(folder: Path, results: Results) -> RawRows:
    """Without the warm-ups; of those runs whose rows are still there."""
    found: RawRows = {}
    for run in results.runs:
        try:
            found[run.folder] = without_warm_up(read_rows(folder / run.folder / ROWS_FILE))
        except RowsError:
            continue
    return found
