"""Raw rows in a file: one line for each arrival, times in seconds from 0 s of the run. Nothing is averaged first."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from loadtests.generator.journeys import JOURNEYS
from loadtests.generator.latency_table import RequestOutcome, RequestRow


class RawRow(NamedTuple):
    """A `RequestRow` of a known module, and what the answer to a write said: the ledger of what clients were told."""

    journey: str
    due: float
    sent: float
    answered: float
    outcome: RequestOutcome
    status: int
    appointment_id: str = ""
    version: int = 0
    state: str = ""

    def as_row(self, side: str) -> RequestRow:
        return RequestRow(
            side,
            JOURNEYS[self.journey].module,
            self.journey,
            self.due,
            self.sent,
            self.answered,
            self.outcome,
            self.status,
        )


class RowsError(Exception):
    """One line: which file, and what is wrong with it."""


class RowWriter:
    """Appends rows as they come; `began` is when 0 s was on the rows' clock."""

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(RawRow._fields)

    def add(self, row: RequestRow, answer: Mapping[str, Any], began: float) -> None:
        told = (answer.get("appointment_id", ""), answer.get("version", 0), answer.get("status", ""))
        times = (f"{moment - began:.6f}" for moment in (row.due, row.sent, row.answered))
        self._writer.writerow([row.journey, *times, row.outcome, row.status, *told])


def read_rows(path: Path) -> list[RawRow]:
    """In the order in which they were answered. Raises RowsError."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.DictReader(file)
            return list(map(_row, lines))
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise RowsError(f"{path} cannot be read as rows of a run: {error!r}") from error


def without_warm_up(rows: Iterable[RawRow]) -> list[RawRow]:
    """Without the warm-up."""
    return [row for row in rows if row.due >= 0]


def _row(line: Mapping[str, str]) -> RawRow:
    if line["journey"] not in JOURNEYS:
        raise ValueError(f"there is no journey {line['journey']!r}")
    outcomes: dict[str, RequestOutcome] = {"ok": "ok", "conflict": "conflict", "error": "error", "dropped": "dropped"}
    return RawRow(
        line["journey"],
        float(line["due"]),
        float(line["sent"]),
        float(line["answered"]),
        outcomes[line["outcome"]],
        int(line["status"]),
        line["appointment_id"],
        int(line["version"] or 0),
        line["state"],
    )
