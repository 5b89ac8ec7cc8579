"""Data of `results.json`: trials, in order of measurement, and the conditions under which they were measured.

Capacities, intervals and the verdict are computed from the trials whenever they are needed.
"""

from typing import Final, Literal

import msgspec

from loadtests.lab.measuring.subject import FreshnessReading, RoleReading, StatementReading
from loadtests.lab.planning.scenario import FaultName

SCHEMA_VERSION: Final = 2
"""Version of the results format; readers reject any other."""
MODULES: Final = ("scheduling", "auth", "billing", "notifications")

Purpose = Literal["demand", "capacity", "cost", "isolation", "containment"]
"""Why a trial was made: to predict the capacity, to search for it, to compare costs, to flood scheduling, or to let a
fault happen."""
OTHER_MODULES_ONLY: Final[tuple[Purpose, ...]] = ("isolation", "containment")
"""Purposes of trials that judge only the modules other than scheduling."""


class ModuleResult(msgspec.Struct, frozen=True, kw_only=True):
    """Counts and latencies of one module, or of one journey, in one trial.

    `good` arrivals were answered properly within the module's limit; errors and dropped arrivals were not answered.
    Latencies are milliseconds from the intended start, over the answered arrivals; None where too few of them are
    beyond the percentile.
    """

    arrivals: int
    errors: int
    dropped: int
    conflicts: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    good: int = 0

    @property
    def missed(self) -> int:
        """Arrivals that were not answered properly within the limit."""
        return self.arrivals - self.good


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


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One load on one arm.

    `stage` groups the trials of one start of the servers, `place` is the order within it; `partner` is the arm that ran
    side by side, if any. `block` is 0 before the blocks. `rate` is in scheduling arrivals a second. `problems` are the
    reasons why the trial does not count. `journeys` are those of all modules. `writes` are the bookings and changes
    that were answered, `refused` those of them whose listed slot was gone. `fault` happened during the trial.
    """

    stage: str
    place: int
    block: int
    arm: str
    purpose: Purpose
    rate: float
    seconds: float
    seed: int
    modules: dict[str, ModuleResult]
    journeys: dict[str, ModuleResult] = {}
    partner: str = ""
    bookings: int = 0
    writes: int = 0
    refused: int = 0
    roles: dict[str, RoleReading] = {}
    statements: dict[str, StatementReading] = {}
    freshness: dict[str, FreshnessReading] = {}
    web_cpu_ms: dict[str, float] = {}
    pool_wait_ms: dict[str, float] = {}
    speed: float | None = None
    ended_early: bool = False
    generator: Generator | None = None
    problems: tuple[str, ...] = ()
    fault: FaultName | None = None

    @property
    def valid(self) -> bool:
        return not self.problems

    @property
    def folder(self) -> str:
        """The folder of the raw rows, relative to the results folder."""
        return trial_folder_name(self.stage, self.place, self.arm)

    @property
    def cpu_ms_per_booking(self) -> float | None:
        """Processor time of all roles per booking; None where it was not measured."""
        cpu_ms = sum(role.cpu_ms for role in self.roles.values())
        return cpu_ms / self.bookings if self.bookings and cpu_ms > 0 else None


class BlastCell(msgspec.Struct, frozen=True, kw_only=True):
    """The share of a module's arrivals that were not served during a fault."""

    arm: str
    fault: str
    module: str
    not_served: float
    arrivals: int


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """Everything in a results folder."""

    schema: int
    thresholds_version: int
    machine: str
    conditions: "MeasurementConditions"
    trials: tuple[Trial, ...] = ()
    blast: tuple[BlastCell, ...] = ()


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """A custom change to the monolith: `sql` runs in a copy of its database, `settings` are for its processes."""

    sql: str = ""
    settings: dict[str, str] = {}

    def as_text(self) -> str:
        return self.sql or "\n".join(f"{name}={value}" for name, value in self.settings.items())


class MachineSpeed(msgspec.Struct, frozen=True, kw_only=True):
    """The speed of the machine before anything else was measured.

    `ratio` compares its reference work with the scenario's machine; the rates are multiplied by it. `base` is the speed
    at which the budgets hold (`steady_budgets.py`), in pieces of the probe's work per millisecond: slower trials do not
    count.
    """

    ratio: float
    base: float | None


class MeasurementConditions(msgspec.Struct, frozen=True, kw_only=True):
    """The conditions of the measurement; folders are comparable only under equal conditions.

    `scenario` and `thresholds` are the texts of their files. `forecast` is None where the scenario's own holds.
    `speed` is None where rates hold as registered. `commit` is the product's, with "+" where files differed from it.
    `not_measured` has reasons by arm, `targets` the addresses of systems that already run.
    """

    scenario: str
    arms: tuple[str, ...]
    blocks: int
    seed: int
    quick: bool
    pinned: str
    versions: dict[str, str]
    began: str
    thresholds: str
    commit: str
    forecast: float | None = None
    speed: "MachineSpeed | None" = None
    map_only: bool = False
    not_measured: dict[str, str] = {}
    remedies: dict[str, Remedy] = {}
    targets: dict[str, str] = {}

    @property
    def asks_for_verdict(self) -> bool:
        """Whether a verdict was asked for, and not a map of the capacities alone."""
        return not (self.quick or self.map_only or self.targets)


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


def trial_folder_name(stage: str, place: int, arm: str) -> str:
    """Return the folder of a trial's raw rows, relative to the results folder."""
    return f"trials/{stage}/{place:02}-{arm.replace(chr(39), '-again')}"


class _Schema(msgspec.Struct):
    schema: int
