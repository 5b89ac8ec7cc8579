"""What one run of the laboratory came to. The unit of analysis is the run: percentiles of two runs are never pooled."""

from collections.abc import Sequence
from typing import Final

import msgspec

SCHEMA: Final = 1
"""Of the results; a reader refuses another."""


class ModuleResult(msgspec.Struct, frozen=True, kw_only=True):
    """Latencies count from the intended start, in milliseconds. `p99_ms` is over everybody who came: whoever was turned
    away, or got an error, waited `turned_away_ms`. None where too few lie beyond the percentile."""

    arrivals: int
    errors: int
    dropped: int
    conflicts: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """`load` is the offered rate as a share of the forecast peak; `place` the run's turn in its block. `problems` say
    why it must not be believed: the generator was late, the ledger does not reconcile."""

    block: int
    place: int
    arm: str
    scenario: str
    load: float
    seed: int
    modules: dict[str, ModuleResult]
    bookings: int
    seconds: float
    cpu_ms: float
    db_ms: float
    problems: tuple[str, ...] = ()

    @property
    def valid(self) -> bool:
        return not self.problems

    @property
    def cpu_ms_per_booking(self) -> float | None:
        return self.cpu_ms / self.bookings if self.bookings and self.cpu_ms > 0 else None


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """All runs of a laboratory's folder, in the order in which they were made."""

    schema: int
    thresholds_version: int
    machine: str
    runs: tuple[Run, ...]


class ResultsError(Exception):
    """One line: which results, and why they cannot be used."""


def read_results(data: bytes, where: str) -> Results:
    """Raises ResultsError."""
    try:
        schema = msgspec.json.decode(data, type=_Schema).schema
        if schema != SCHEMA:
            raise ResultsError(f"{where} has results of schema {schema}, and this version reads {SCHEMA}: run it anew")
        return msgspec.json.decode(data, type=Results)
    except msgspec.DecodeError as error:
        raise ResultsError(f"{where} holds no results of the laboratory: {error}") from error


def of_arm(runs: Sequence[Run], arm: str, scenario: str, load: float | None = None) -> dict[int, Run]:
    """By block; at any load unless one is given."""
    return {
        run.block: run
        for run in runs
        if (run.arm, run.scenario) == (arm, scenario) and (load is None or run.load == load)
    }


class _Schema(msgspec.Struct):
    schema: int
