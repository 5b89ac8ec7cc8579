"""Registered scenarios: the load, the forecast and the promises, written down before anything is measured."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from deploy.errors import CommandError

FOLDER: Final = Path(__file__).parents[1] / "scenarios"
UNIT_CORES: Final = 0.05
"""Budgets are whole numbers of this unit: 5 % of a processor core."""

_Positive = Annotated[float, msgspec.Meta(gt=0)]
_Units = Annotated[int, msgspec.Meta(ge=1)]
_Share = Annotated[float, msgspec.Meta(gt=0, le=1)]

FaultName = Literal[
    "nothing fails",
    "scheduling's web process is killed",
    "the main database restarts",
    "scheduling's database hangs",
    "the monolith is deployed",
    "scheduling is deployed",
    "a runaway query runs in scheduling",
]
"""What can be done to a running arm; `measuring/faults.py` does it. "nothing fails" is the control."""


class LoadShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The arrivals of the peak.

    `forecast` is the expected peak in scheduling arrivals a second; None means that there is a map but no verdict. The
    verdict is asked at `forecast * headroom`. `mix` has the weights of scheduling's journeys, `background` the constant
    arrivals a second of the other journeys. `day_zipf` is the exponent of the popularity of days among searches; 0
    spreads them evenly. A `stampede` rises tenfold within two seconds and has its own contention for slots; its rate is
    that of its top.
    """

    mix: dict[str, _Positive]
    background: dict[str, _Positive]
    forecast: _Positive | None = None
    headroom: Annotated[float, msgspec.Meta(ge=1)] = 1.3
    seconds: _Positive = 40.0
    shape: Literal["steady", "stampede"] = "steady"
    day_zipf: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class ScenarioPromises(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the product promises its users.

    `limits_ms` are by module: `answered` of the arrivals must get a proper answer within the limit, counted from the
    intended start. `fresh` of the invoices and mails must exist within `fresh_seconds`. Refused bookings of
    listed slots may exceed M1's by `conflict_points`, in percentage points. `isolation` adds: while scheduling is
    flooded at 1.5 times the arm's capacity for 15 s, the other modules keep their promises. `contained` adds the same
    for each of these faults, at a moderate load.
    """

    limits_ms: dict[str, _Positive]
    answered: _Share = 0.99
    fresh: _Share = 0.99
    fresh_seconds: _Positive = 30.0
    conflict_points: Annotated[float, msgspec.Meta(ge=0)] = 2.0
    isolation: bool = False
    contained: tuple[FaultName, ...] = ()


class ScenarioBudgets(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Processor time in units of UNIT_CORES: `total` of every compared arm, and of each Postgres server, the worker
    and Valkey. The web processes of an arm share the remainder."""

    total: _Units
    database: _Units
    worker: _Units
    valkey: _Units = 1


class DeclaredCeiling(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`largest_database` is the largest Postgres server that can be had, in units; None if a larger one can be had.

    The arm with a larger server is always measured and shown. It competes as a remedy only without a ceiling.
    """

    largest_database: _Units | None = None


class ReferenceMachine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The machine for which the rates of the scenario were registered.

    `requests` a second is what it served of the reference work (`servers/reference_work.py`) within M1's budgets.
    Without this, rates hold for every machine.
    """

    requests: _Positive


class ExpectedAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The answer that the author of the scenario expected before it was measured; printed, never used."""

    outcome: Literal["EXTRACT", "DON'T EXTRACT"]
    because: str


class RegisteredScenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One file in `loadtests/lab/scenarios`. `arms` are compared unless others are asked for; empty means all."""

    name: str
    title: str
    story: str
    arms: tuple[str, ...] = ()
    load: LoadShape
    promises: ScenarioPromises
    budgets: ScenarioBudgets
    ceiling: DeclaredCeiling = DeclaredCeiling()
    reference: ReferenceMachine | None = None
    expected: ExpectedAnswer | None = None

    @property
    def demand(self) -> float | None:
        """The rate at which the verdict is asked, in scheduling arrivals a second; None without a forecast."""
        return None if self.load.forecast is None else self.load.forecast * self.load.headroom


def scenario_names() -> list[str]:
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def find_scenario_file(name: str) -> Path:
    """Return the file of a registered scenario, or a path to a file of the caller's. Raises CommandError."""
    if name.endswith(".toml"):
        return Path(name)
    if name not in scenario_names():
        raise CommandError(f"unknown scenario {name!r}; available: {', '.join(scenario_names())}, or a .toml file")
    return FOLDER / f"{name}.toml"


def read_scenario(name: str) -> RegisteredScenario:
    """Read a scenario by name or path. Raises CommandError with the file and the reason."""
    path = find_scenario_file(name)
    try:
        return parse_scenario(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise CommandError(f"{path} is not a usable scenario: {error}") from error


def parse_scenario(text: str) -> RegisteredScenario:
    """Raises tomllib.TOMLDecodeError and msgspec.ValidationError."""
    return msgspec.convert(tomllib.loads(text), RegisteredScenario)


def with_forecast(scenario: RegisteredScenario, forecast: float | None) -> RegisteredScenario:
    """Return the scenario with another forecast, or with its own if that is None."""
    if forecast is None:
        return scenario
    return msgspec.structs.replace(scenario, load=msgspec.structs.replace(scenario.load, forecast=forecast))


def at_speed(scenario: RegisteredScenario, speed: float | None) -> RegisteredScenario:
    """Return the scenario with its rates, the forecast and those of the other modules, multiplied by the speed."""
    if speed is None:
        return scenario
    load = scenario.load
    scaled = msgspec.structs.replace(
        load,
        forecast=None if load.forecast is None else load.forecast * speed,
        background={journey: rate * speed for journey, rate in load.background.items()},
    )
    return msgspec.structs.replace(scenario, load=scaled)


def other_modules_of(promises: ScenarioPromises) -> Mapping[str, float]:
    """Return the limits of all modules except scheduling."""
    return {name: limit for name, limit in promises.limits_ms.items() if name != "scheduling"}
