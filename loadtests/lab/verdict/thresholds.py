"""The thresholds of a verdict, read from the file that a report prints."""

import tomllib
from pathlib import Path

import msgspec

FILE = Path(__file__).with_name("thresholds.toml")


class LoadThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    headroom: float


class NoiseThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    widest: float
    fewest_blocks: int


class CostThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    most_cpu_ratio: float
    most_idle_latency_ratio: float


class ValidityThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    most_late_ms: float
    most_dropped_share: float
    most_cpu: float
    little: float
    steady: float


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`slo_p99_ms` by module. What each of them means stands in the file."""

    version: int
    slo_p99_ms: dict[str, float]
    load: LoadThresholds
    noise: NoiseThresholds
    tax: CostThresholds
    validity: ValidityThresholds


class ThresholdsError(Exception):
    """One line: which file, and what is wrong with it."""


def read_thresholds(path: Path = FILE) -> Thresholds:
    """Raises ThresholdsError."""
    try:
        return parse_thresholds(path.read_text(encoding="utf-8"))
    except (OSError, ThresholdsError) as error:
        raise ThresholdsError(f"{path} cannot be used: {error}") from error


def parse_thresholds(text: str) -> Thresholds:
    """Of the file's text, as results keep it. Raises ThresholdsError."""
    try:
        return msgspec.convert(tomllib.loads(text), Thresholds)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ThresholdsError(str(error)) from error
