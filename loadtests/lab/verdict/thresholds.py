"""The thresholds of a verdict, read from the file that every report prints."""

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
    """`slo_p99_ms` is by module; comments in the file define every threshold."""

    version: int
    slo_p99_ms: dict[str, float]
    load: LoadThresholds
    noise: NoiseThresholds
    tax: CostThresholds
    validity: ValidityThresholds


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
