"""Rows of single arrivals, in memory and in `rows.csv`; times are seconds from 0 s of the run, without aggregation."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TextIO

from loadtests.generator.journeys import JOURNEYS

RequestOutcome = Literal["ok", "conflict", "error", "dropped"]


class RequestRow(NamedTuple):
    """One arrival, with the seconds, on one clock, when it was due, sent and answered.

    A conflict (another customer booked first) counts as answered, an error does not; a dropped arrival was never sent.
    `status` is the HTTP status, 0 without a response. `arrival` is the number of the arrival that caused the request;
    in a session, `session` is its name and `step` the position of the request, from 0.
    """

    side: str
    module: str
    journey: str
    due: float
    sent: float
    answered: float
    outcome: RequestOutcome
    status: int = 0
    arrival: int = 0
    session: str = ""
    step: int = 0

    @property
    def answered_properly(self) -> bool:
        return self.outcome in ("ok", "conflict")

    @property
    def latency(self) -> float:
        """Seconds from the intended start, as the user experiences them."""
        return self.answered - self.due


class RawRow(NamedTuple):
    """One line of `rows.csv`: a row, and the appointment in the response to a write, for the correctness check."""

    journey: str
    due: float
    sent: float
    answered: float
    outcome: RequestOutcome
    status: int
    appointment_id: str = ""
    version: int = 0
    state: str = ""
    arrival: int = 0
    session: str = ""
    step: int = 0

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
            self.arrival,
            self.session,
            self.step,
        )


class RowsError(Exception):
    """A rows file that cannot be read; the message is one line with the file and the reason."""


class RowWriter:
    """Writes rows as they are added."""

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(RawRow._fields)

    def add(self, row: RequestRow, answer: Mapping[str, Any], began: float) -> None:
        """Write a row; `began` is 0 s of the run on the row's clock."""
        acknowledged = (answer.get("appointment_id", ""), answer.get("version", 0), answer.get("status", ""))
        times = (f"{moment - began:.6f}" for moment in (row.due, row.sent, row.answered))
        visit = (row.arrival, row.session, row.step)
        self._writer.writerow([row.journey, *times, row.outcome, row.status, *acknowledged, *visit])


def read_rows(path: Path) -> list[RawRow]:
    """Return the rows in the order in which they were answered. Raises RowsError.

    Files of versions before 0.3 have no columns for the arrival; theirs read as arrival 0.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(map(_parse, csv.DictReader(file)))
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise RowsError(f"{path} cannot be read as rows of a run: {error!r}") from error


def without_warm_up(rows: Iterable[RawRow]) -> list[RawRow]:
    return [row for row in rows if row.due >= 0]


def _parse(line: Mapping[str, str]) -> RawRow:
    if line["journey"] not in JOURNEYS:
        raise ValueError(f"unknown journey {line['journey']!r}")
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
        int(line.get("arrival") or 0),
        line.get("session") or "",
        int(line.get("step") or 0),
    )
