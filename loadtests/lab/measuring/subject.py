"""The boundary between deciding and measuring: what a running arm offers to the code that judges it.

The deciding half (the search for capacity, the order of a laboratory, the verdict, the report) knows these types only.
Behind them are the product's servers (`rig.py`), systems that already run (`targets.py`), or simulated queues (tests).
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import msgspec

from loadtests.generator.early_end import EarlyEnd
from loadtests.generator.rows import RawRow
from loadtests.generator.self_report import GeneratorReport
from loadtests.lab.planning.scenario import FaultName, RegisteredScenario


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """The arrivals of one trial: the scenario's mix at `rate` scheduling arrivals a second, for `seconds`.

    Equal seeds give the same choices by arrival index; with equal rates, the arrivals are the same too. With
    `early_end` the load ends as soon as it is certain that a module does not keep its promise. Without
    `judge_freshness`, follow-up work that is left at the end of the load may be done without budgets. `fault` begins a
    few seconds into the load, which must be long enough that the fault ends before the load does; such a load is played
    on one arm at a time.
    """

    scenario: RegisteredScenario
    rate: float
    seconds: float
    seed: int
    warm_up_seconds: float = 4.0
    early_end: EarlyEnd | None = None
    judge_freshness: bool = True
    fault: FaultName | None = None


class RoleReading(msgspec.Struct, frozen=True, kw_only=True):
    """Processor time of one role, ended children included, at the base speed of the budgets if there is one.

    `cpu_ms` is for the load and the follow-up work that it caused. `budget_cores` is None where the role has no budget
    of its own. `used` is the share of its budget that the role used while the load lasted, None where that was not
    measured; `throttled` is the share of that time during which the budget was used up.
    """

    cpu_ms: float
    budget_cores: float | None = None
    used: float | None = None
    throttled: float = 0.0


class StatementReading(msgspec.Struct, frozen=True, kw_only=True):
    """Statements of one module during the load. `elapsed_ms` includes waits, so it is not processor time."""

    calls: int
    elapsed_ms: float


class FreshnessReading(msgspec.Struct, frozen=True, kw_only=True):
    """The invoices, or the mails, that the load's bookings should cause, and how many existed in time."""

    expected: int
    in_time: int


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The raw result of one load on one arm.

    `rows` include the warm-up, with negative times. Roles cover the load without its warm-up, the other figures of
    costs also its warm-up, and all of them the work that it caused. `speed` is the speed of the machine during the
    load, in pieces of fixed work per millisecond, as far as the budgets let it be used; None where it is not probed.
    `violations` are sentences about lost, overlapping or unexplained bookings. Keys: `roles` by role, `statements` by
    module, `freshness` by kind ("invoices", "mails").
    """

    rows: list[RawRow]
    generator: GeneratorReport
    roles: dict[str, RoleReading] = {}
    statements: dict[str, StatementReading] = {}
    freshness: dict[str, FreshnessReading] = {}
    web_cpu_ms: dict[str, float] = {}
    pool_wait_ms: dict[str, float] = {}
    speed: float | None = None
    violations: tuple[str, ...] = ()


class RunningArms(Protocol):
    """One arm, or two arms side by side, each with servers of its own."""

    def play(self, loads: Mapping[str, Load], folders: Mapping[str, Path]) -> dict[str, Reading]:
        """Send each arm its load, beginning at the same moment; return when all work that they caused is done.

        Leaves the raw rows of each arm in its folder, which exists. Raises CommandError, and KeyboardInterrupt with
        the load stopped.
        """


class Rig(Protocol):
    """Starts arms under their budgets."""

    def arms(self) -> Sequence[str]:
        """Return the arms that can be started here, in the order of reports."""

    def reason_not_paired(self, one: str, other: str) -> str | None:
        """Return why two arms cannot run side by side under equal budgets, or None if they can."""

    def running(self, *arms: str) -> AbstractContextManager[RunningArms]:
        """Run one arm, or two, on fresh databases within the block. Raises CommandError.

        Refuses two arms whose budgets have different totals.
        """
