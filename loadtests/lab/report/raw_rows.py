"""The raw rows of a folder, for the drawings that need every arrival. A report can do without."""

from pathlib import Path

from loadtests.generator.rows import RawRow, RowsError, measured, read_rows
from loadtests.generator.self_report import ROWS
from loadtests.lab.results.model import Results

Raw = dict[str, list[RawRow]]
"""By the name of the run's folder."""


def read_raw(folder: Path, results: Results) -> Raw:
    """Without the warm-ups; of those runs whose rows are still there."""
    found: Raw = {}
    for run in results.runs:
        try:
            found[run.folder] = measured(read_rows(folder / run.folder / ROWS))
        except RowsError:
            continue
    return found
