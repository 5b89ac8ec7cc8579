"""The topologies that are compared, and what each of them is an answer to."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

Kind = Literal["baseline", "again", "remedy", "extracted"]
"""`again` is the baseline a second time: what differs there is noise. A `remedy` keeps the monolith."""


class Arm(NamedTuple):
    """`name` as in reports; `words` for whoever does not know it."""

    name: str
    kind: Kind
    words: str


BASELINE, REPEAT = "M1", "M1'"
TWO_BUDGETS = ("M2+", "X+")
"""Arms that have more to spend than the others; they need a kernel that can hold the others to one budget."""

ARMS: Mapping[str, Arm] = {
    arm.name: arm
    for arm in (
        Arm(BASELINE, "baseline", "the monolith, one process"),
        Arm(REPEAT, "again", "the same once more: how much of a difference is noise"),
        Arm("M2", "remedy", "two replicas of the monolith"),
        Arm("M2+", "remedy", "two replicas, the second with a budget of its own"),
        Arm("MB", "remedy", "a bulkhead: scheduling's routes of the monolith in a process and a pool of their own"),
        Arm("MC", "remedy", "an availability cache: searches answered from memory, at most two seconds old"),
        Arm("XS", "extracted", "scheduling extracted, one database server for both"),
        Arm("X", "extracted", "scheduling extracted, with its own database server"),
        Arm("X+", "extracted", "scheduling extracted, with its own database server and a budget of its own"),
    )
}

REQUIRED_REMEDIES: Final = ("M2", "MB", "MC")
"""None of them may have helped before anything is extracted."""

CUSTOM_REMEDY_PREFIX: Final = "M1-"
"""Begins the name of an arm that is M1 with a remedy of the reader's own."""


def find_arm(name: str) -> Arm:
    """Raises KeyError."""
    if name.startswith(CUSTOM_REMEDY_PREFIX):
        return Arm(name, "remedy", f"the monolith with a remedy of your own, {name.removeprefix(CUSTOM_REMEDY_PREFIX)}")
    return ARMS[name]


def sort_arms(names: Iterable[str]) -> list[str]:
    """As reports list them: those that everybody has, then remedies by name. Each once."""
    there = set(names)
    return [*(name for name in ARMS if name in there), *sorted(there - ARMS.keys())]
