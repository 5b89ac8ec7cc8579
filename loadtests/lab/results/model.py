"""Data of `results.json`. The unit of analysis is the run: percentiles of several runs are never pooled."""

from collections.abc import Sequence
from typing import Final

import msgspec

SCHEMA_VERSION: Final = 1
"""Version of the results format; readers reject any other."""
MODULES: Final = ("scheduling", "auth", "billing", "notifications")


class ModuleResult(msgspec.Struct, frozen=True, kw_only=True):
    """Counts and latencies of one module in one run.

    Latencies are milliseconds from the intended start, over answered and dropped arrivals; a dropped arrival counts as
    the longest latency that was answered, a lower bound. None where too few arrivals are beyond the percentile. `good`
    arrivals were answered within the module's SLO.
    """

    arrivals: int
    errors: int
    dropped: int
    conflicts: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    good: int = 0


class Generator(msgspec.Struct, frozen=True, kw_only=True):
    """Validity figures of the load generator.

    How late requests were sent (p99), the share of arrivals never sent, the share of its core that the generator used,
    and the mean number of in-flight requests, as sampled and as computed from the rows (by Little's law they agree).
    """

    late_p99_ms: float
    dropped_share: float
    cpu: float
    in_flight: float
    in_flight_by_rows: float


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """Costs of a run in milliseconds.

    `cpu_ms` is processor time by process. By module: `web_cpu_ms` is processor time of the request threads, `db_ms`
    execution time of statements, `pool_wait_ms` time spent waiting for a connection, and `lock_share` the share of
    active statements that waited for a lock.
    """

    cpu_ms: dict[str, float] = {}
    web_cpu_ms: dict[str, float] = {}
    db_ms: dict[str, float] = {}
    pool_wait_ms: dict[str, float] = {}
    lock_share: dict[str, float] = {}


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One measured run.

    `rate` is the peak rate in scheduling requests a second, `load` that rate relative to the forecast peak, `place` the
    run's position in its block. `problems` are the reasons why the run is invalid.
    """

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
        """The run's folder, relative to the results folder."""
        return run_folder_name(self.block, self.place, self.arm, self.scenario)

    @property
    def cpu_ms_per_booking(self) -> float | None:
        return self.cpu_ms / self.bookings if self.bookings and self.cpu_ms > 0 else None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One steady rate, in scheduling requests a second.

    `good` is the share of arrivals answered within the SLO, `goodput` their number per second.
    """

    arm: str
    rate: float
    good: float
    goodput: float
    p99_ms: float | None


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """Everything in a results folder: the runs, and the steps of the capacity search, in order of measurement."""

    schema: int
    thresholds_version: int
    machine: str
    runs: tuple[Run, ...]
    conditions: "MeasurementConditions | None" = None
    steps: tuple[Step, ...] = ()


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """A custom change to the monolith: `sql` runs in a copy of its database, `settings` are for its processes."""

    sql: str = ""
    settings: dict[str, str] = {}

    def as_text(self) -> str:
        return self.sql or "\n".join(f"{name}={value}" for name, value in self.settings.items())


class MeasurementConditions(msgspec.Struct, frozen=True, kw_only=True):
    """The conditions of the measurement; folders are comparable only under equal conditions.

    `capacity` (R*) and `forecast` (the expected peak) are scheduling requests a second; `assumed` means that no
    forecast was given. `remedies` are the custom remedies by arm name.
    """

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
    """Results that cannot be used; the message is one line with the file and the reason."""


def read_results(data: bytes, where: str) -> Results:
    """Decode results; `where` names them in errors. Raises ResultsError."""
    try:
        schema = msgspec.json.decode(data, type=_Schema).schema
        if schema != SCHEMA_VERSION:
            raise ResultsError(f"{where} has schema version {schema}, expected {SCHEMA_VERSION}: measure again")
        return msgspec.json.decode(data, type=Results)
    except msgspec.DecodeError as error:
        raise ResultsError(f"{where} does not contain laboratory results: {error}") from error


def run_folder_name(block: int, place: int, arm: str, scenario: str) -> str:
    """Return the folder of a run's raw rows, relative to the results folder."""
    return f"runs/{block:02}-{place:02}-{arm.replace(chr(39), '-again')}-{scenario}"


def runs_of_arm(runs: Sequence[Run], arm: str, scenario: str, load: float | None = None) -> dict[int, Run]:
    """Return an arm's runs of a scenario by block; `load` restricts them to one load."""
    return {
        run.block: run
        for run in runs
        if (run.arm, run.scenario) == (arm, scenario) and (load is None or run.load == load)
    }


class _Schema(msgspec.Struct):
    schema: int
