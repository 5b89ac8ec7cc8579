"""The compared topologies ("arms")."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

Kind = Literal["baseline", "repeat", "remedy", "extracted"]
"""The `repeat` is the baseline again: differences between the two are noise. A `remedy` keeps the monolith."""


class Arm(NamedTuple):
    """`name` is its label in reports."""

    name: str
    kind: Kind
    description: str


BASELINE, REPEAT = "M1", "M1'"
TWO_BUDGETS = ("M2+", "X+")
"""Arms with a second CPU budget; they need a kernel that can limit every arm to its budgets."""

ARMS: Mapping[str, Arm] = {
    arm.name: arm
    for arm in (
        Arm(BASELINE, "baseline", "the monolith, one process"),
        Arm(REPEAT, "repeat", "the baseline again: its difference from M1 is noise"),
        Arm("M2", "remedy", "two replicas of the monolith"),
        Arm("M2+", "remedy", "two replicas, the second with its own CPU budget"),
        Arm("MB", "remedy", "a bulkhead: the monolith's scheduling routes in a process and a pool of their own"),
        Arm("MC", "remedy", "an availability cache: searches answered from memory, at most two seconds old"),
        Arm("XS", "extracted", "scheduling extracted, one database server for both"),
        Arm("X", "extracted", "scheduling extracted, with its own database server"),
        Arm("X+", "extracted", "scheduling extracted, with its own database server and its own CPU budget"),
    )
}

REQUIRED_REMEDIES: Final = ("M2", "MB", "MC")
"""Remedies that must have been measured, without success, before a verdict for extraction."""

CUSTOM_REMEDY_PREFIX: Final = "M1-"
"""The beginning of the name of an arm with a custom remedy."""


def find_arm(name: str) -> Arm:
    """Return an arm by name, predefined or with a custom remedy. Raises KeyError."""
    if name.startswith(CUSTOM_REMEDY_PREFIX):
        remedy = name.removeprefix(CUSTOM_REMEDY_PREFIX)
        return Arm(name, "remedy", f"the monolith with the custom remedy {remedy}")
    return ARMS[name]


def sort_arms(names: Iterable[str]) -> list[str]:
    """Return the names without duplicates in the order of reports: predefined arms, then custom remedies by name."""
    present = set(names)
    return [*(name for name in ARMS if name in present), *sorted(present - ARMS.keys())]
