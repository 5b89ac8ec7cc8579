"""Options of the laboratory, and the check that resumed results have the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.errors import CommandError
from loadtests.lab.results.model import Remedy, Results
from loadtests.lab.servers.machine import describe_machine
from loadtests.lab.verdict.thresholds import parse_thresholds, read_thresholds


@dataclass(frozen=True)
class LabOptions:
    """The measurement, and the results folder.

    `scenario` is the text of the scenario's file; `forecast` replaces its forecast unless None. `remedies` are custom
    remedies by arm name; these arms are among `arms`. `blocks` is the largest number of blocks. `targets`
    are the addresses of systems that already run; these are then the only arms.
    """

    out: Path
    scenario: str
    arms: tuple[str, ...]
    blocks: int
    seed: int
    forecast: float | None = None
    quick: bool = False
    map_only: bool = False
    faults: bool = False
    remedies: Mapping[str, Remedy] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)


def require_same_options(results: Results, options: LabOptions, commit: str) -> None:
    """Raises CommandError unless the folder has the same options, thresholds, machine and product."""
    found = results.conditions
    if parse_thresholds(found.thresholds) != read_thresholds():
        raise CommandError(f"{options.out} was measured under other thresholds: choose another --out")
    if results.machine != describe_machine():
        raise CommandError(f"{options.out} was measured on another machine ({results.machine}): choose another --out")
    if found.commit != commit:
        raise CommandError(
            f"{options.out} was measured with another commit of the product ({found.commit}, not {commit}): choose "
            "another --out"
        )
    if found.scenario != options.scenario:
        raise CommandError(f"{options.out} was started with another scenario: choose another --out")
    requested = {
        "--quick": (found.quick, options.quick),
        "--map": (found.map_only, options.map_only),
        "--target": (found.targets, dict(options.targets)),
        "--arms": (",".join(found.arms), ",".join(options.arms)),
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
    if options.forecast != found.forecast:
        was = "no --forecast" if found.forecast is None else f"--forecast {found.forecast:g}"
        raise CommandError(f"{options.out} was started with {was}: use the same, or choose another --out")
