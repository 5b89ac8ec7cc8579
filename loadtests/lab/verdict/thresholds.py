"""The registered rules of the method, read from the file that every report prints."""

import tomllib
from pathlib import Path

import msgspec

FILE = Path(__file__).with_name("thresholds.toml")


class SearchRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    step: float
    attempts: int
    repeats: int


class TrialRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fewest_arrivals: int
    error: float
    end_early_factor: float
    end_early_misses: int


class StatisticsRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    error: float
    error_alone: float
    searches_alone: int
    seconds_alone: float
    looks: tuple[int, ...]
    equivalence: float


class IsolationRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    flood: float
    seconds: float
    blocks: float


class ContainmentRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The defaults are for results of versions before 8, which measured no faults in blocks."""

    load: float = 0.5
    seconds: float = 20.0
    blocks: float = 0.75


class CostRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    load: float
    seconds: float
    most_cpu_ratio: float
    most_latency_ratio: float


class SpeedRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    most_difference: float
    pause: float = 0.0
    repeats: int = 0


class ValidityRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    most_late_ms: float
    most_dropped_share: float
    most_cpu: float
    little: float
    steady: float


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Comments in the file define every threshold."""

    version: int
    search: SearchRules
    trial: TrialRules
    statistics: StatisticsRules
    isolation: IsolationRules
    cost: CostRules
    speed: SpeedRules
    validity: ValidityRules
    containment: ContainmentRules = ContainmentRules()


class ThresholdsError(Exception):
    """A thresholds file that cannot be used; the message is one line with the file and the reason."""


def read_thresholds(path: Path = FILE) -> Thresholds:
    """Raises ThresholdsError."""
    try:
        return parse_thresholds(path.read_text(encoding="utf-8"))
    except (OSError, ThresholdsError) as error:
        raise ThresholdsError(f"{path} cannot be used: {error}") from error


def parse_thresholds(text: str) -> Thresholds:
    """Parse the file's text, which results contain. Raises ThresholdsError."""
    try:
        return msgspec.convert(tomllib.loads(text), Thresholds)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ThresholdsError(str(error)) from error
