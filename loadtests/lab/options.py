"""Options of the laboratory, and the check that resumed results have the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.errors import CommandError
from loadtests.lab.measuring.capacity import StepLengths
from loadtests.lab.results.model import Remedy, Results
from loadtests.lab.servers.machine import describe_machine
from loadtests.lab.verdict.thresholds import parse_thresholds, read_thresholds


@dataclass(frozen=True)
class LabOptions:
    """The measurement, and the results folder.

    `forecast` is the expected peak in scheduling requests a second; None means M1's capacity R*. `remedies` are custom
    remedies by arm name; these arms are among `arms`.
    """

    out: Path
    scenario: str
    arms: tuple[str, ...]
    blocks: int
    seconds: float
    idle_seconds: float
    seed: int
    lengths: StepLengths
    forecast: float | None = None
    capacity: float | None = None
    quick: bool = False
    remedies: Mapping[str, Remedy] = field(default_factory=dict)


def require_same_options(results: Results, options: LabOptions) -> None:
    """Raises CommandError unless the folder has the same options, thresholds and machine."""
    found = results.conditions
    assert found is not None, "a folder without them is not opened"
    if parse_thresholds(found.thresholds) != read_thresholds():
        raise CommandError(f"{options.out} was measured under other thresholds: choose another --out")
    if results.machine != describe_machine():
        raise CommandError(f"{options.out} was measured on another machine ({results.machine}): choose another --out")
    requested = {
        "--quick": (found.quick, options.quick),
        "--scenario": (found.scenario, options.scenario),
        "--arms": (",".join(found.arms), ",".join(options.arms)),
        "--seconds": (found.seconds, options.seconds),
        "--idle-seconds": (found.idle_seconds, options.idle_seconds),
        "--seed": (found.seed, options.seed),
    }
    for option, (before, now) in requested.items():
        if before != now:
            raise CommandError(
                f"{options.out} was started with {option} {before}, not {now}: use the same, or choose another --out"
            )
    for arm in options.remedies:
        if options.remedies[arm] != found.remedies.get(arm):
            raise CommandError(f"{options.out} was started with another remedy {arm}: choose another --out")
    if options.forecast is not None and options.forecast != found.forecast:
        raise CommandError(f"{options.out} was started with --forecast {found.forecast:g}: use the same")
