"""What one run of the laboratory came to. The unit of analysis is the run: percentiles of two runs are never pooled."""

from collections.abc import Sequence
from typing import Final

import msgspec

SCHEMA_VERSION: Final = 1
"""Of the results; a reader refuses another."""
MODULES: Final = ("scheduling", "auth", "billing", "notifications")


class ModuleResult(msgspec.Struct, frozen=True, kw_only=True):
    """Latencies count from the intended start, in milliseconds, over those who got an answer, and those who were
    dropped: of them one knows only that they would have waited no less than the longest that was answered, which they
    count as. None where too few lie beyond the percentile. `good` were answered within what the module promises."""

    arrivals: int
    errors: int
    dropped: int
    conflicts: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    good: int = 0


class Generator(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a run believable: how late requests left, what share was never sent, the share of its core that the
    generator used, and requests under way as counted by looking and as the rows say (Little's law: they agree)."""

    late_p99_ms: float
    dropped_share: float
    cpu: float
    in_flight: float
    in_flight_by_rows: float


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds within the run. `cpu_ms` is processor time by process; `web_cpu_ms` that of the threads that served
    requests, `db_ms` time that statements ran (by role), and `pool_wait_ms` waits for a connection, by module;
    `lock_share` is the share of a module's statements under way that waited for a lock."""

    cpu_ms: dict[str, float] = {}
    web_cpu_ms: dict[str, float] = {}
    db_ms: dict[str, float] = {}
    pool_wait_ms: dict[str, float] = {}
    lock_share: dict[str, float] = {}


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """`load` is the offered rate at the height as a share of the forecast peak, `rate` the same in scheduling requests
    a second; `place` the run's turn in its block. `problems` say why it must not be believed: the generator was late,
    the ledger does not reconcile."""

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
    rate: float = 0.0
    generator: Generator | None = None
    costs: Costs = Costs()

    @property
    def valid(self) -> bool:
        return not self.problems

    @property
    def folder(self) -> str:
        return run_folder_name(self.block, self.place, self.arm, self.scenario)

    @property
    def cpu_ms_per_booking(self) -> float | None:
        return self.cpu_ms / self.bookings if self.bookings and self.cpu_ms > 0 else None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A steady rate that an arm was asked, in scheduling requests a second. `good` is the share of its arrivals
    that were answered within its promise, `goodput` those a second."""

    arm: str
    rate: float
    good: float
    goodput: float
    p99_ms: float | None


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """All runs of a laboratory's folder, in the order in which they were made; before them, the search for R*."""

    schema: int
    thresholds_version: int
    machine: str
    runs: tuple[Run, ...]
    conditions: "Conditions | None" = None
    steps: tuple[Step, ...] = ()


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to try in the monolith first: `sql` is run in a copy of its database, `settings` are given to
    its processes."""

    sql: str = ""
    settings: dict[str, str] = {}

    def in_words(self) -> str:
        return self.sql or "\n".join(f"{name}={value}" for name, value in self.settings.items())


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be the same for two folders to be comparable, and what a reader wants to know of the surroundings.
    `capacity` is R*, `forecast` the peak that is expected, both in scheduling requests a second; `assumed` when nobody
    gave one. `remedies` of the reader's own, by the names of their arms."""

    scenario: str
    arms: tuple[str, ...]
    blocks: int
    seconds: float
    idle_seconds: float
    seed: int
    capacity: float
    forecast: float
    assumed: bool
    threads: int
    quick: bool
    pinned: str
    versions: dict[str, str]
    began: str
    thresholds: str
    not_measured: dict[str, str] = {}
    remedies: dict[str, Remedy] = {}


class ResultsError(Exception):
    """One line: which results, and why they cannot be used."""


def read_results(data: bytes, where: str) -> Results:
    """Raises ResultsError."""
    try:
        schema = msgspec.json.decode(data, type=_Schema).schema
        if schema != SCHEMA_VERSION:
            raise ResultsError(
                f"{where} has results of schema {schema}, and this version reads {SCHEMA_VERSION}: run it anew"
            )
        return msgspec.json.decode(data, type=Results)
    except msgspec.DecodeError as error:
        raise ResultsError(f"{where} holds no results of the laboratory: {error}") from error


def run_folder_name(block: int, place: int, arm: str, scenario: str) -> str:
    """Where the raw rows of a run are, within the laboratory's folder."""
    return f"runs/{block:02}-{place:02}-{arm.replace(chr(39), '-again')}-{scenario}"


def runs_of_arm(runs: Sequence[Run], arm: str, scenario: str, load: float | None = None) -> dict[int, Run]:
    """By block; at any load unless one is given."""
    return {
        run.block: run
        for run in runs
        if (run.arm, run.scenario) == (arm, scenario) and (load is None or run.load == load)
    }


class _Schema(msgspec.Struct):
    schema: int
