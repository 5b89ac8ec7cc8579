"""The compared topologies ("arms")."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

Kind = Literal["baseline", "repeat", "remedy", "larger", "extracted"]
"""The `repeat` is the baseline again: differences between the two are noise. A `remedy` keeps the monolith. `larger` is
a larger database server: a remedy, unless the scenario declares that none can be had."""


class Arm(NamedTuple):
    """`name` is its label in reports, `short` its name in a sentence.

    `effort` ranks the arms by the work they are to build and to operate: of equally good arms, the one with the least
    effort is advised.
    """

    name: str
    kind: Kind
    description: str
    short: str
    effort: int
    own_process: bool = False
    own_database: bool = False


BASELINE, REPEAT, OWN_DATABASE, SERVICE = "M1", "M1'", "MD", "X"

ARMS: Mapping[str, Arm] = {
    arm.name: arm
    for arm in (
        Arm(BASELINE, "baseline", "the monolith, one web process, one database", "the monolith", 0),
        Arm(REPEAT, "repeat", "the baseline again: its difference from M1 is noise", "the monolith again", 0),
        Arm("MC", "remedy", "searches answered from memory, at most two seconds old", "a cache", 1),
        Arm(
            "MW",
            "remedy",
            "the worker with twice the processor budget, taken from the web process",
            "a larger worker",
            2,
        ),
        Arm("MB", "remedy", "scheduling's routes in a web process of their own", "a bulkhead", 3, own_process=True),
        Arm("M2", "remedy", "two replicas of the monolith behind a balancer that costs nothing", "a second replica", 4),
        Arm(
            "MR",
            "remedy",
            "searches answered by a streaming replica of the database, at most two seconds behind",
            "a replica",
            5,
        ),
        Arm("MV", "larger", "a database server of twice the size", "a larger database server", 6),
        Arm(
            "MBV",
            "larger",
            "scheduling's routes in a web process of their own, and a database server of twice the size",
            "a bulkhead and a larger database server",
            7,
            own_process=True,
        ),
        Arm(
            OWN_DATABASE,
            "remedy",
            "scheduling's tables on a database server of their own, the engine in the monolith's process",
            "a database of its own",
            8,
            own_database=True,
        ),
        Arm(
            "XI",
            "extracted",
            "a process and a database server for scheduling, from the monolith's code",
            "a process and a database of its own, without the service",
            9,
            own_process=True,
            own_database=True,
        ),
        Arm(
            "XS",
            "extracted",
            "scheduling extracted, one database server for both",
            "the service on a shared database server",
            10,
            own_process=True,
        ),
        Arm(
            SERVICE,
            "extracted",
            "scheduling extracted, with its own database server",
            "the service",
            11,
            own_process=True,
            own_database=True,
        ),
    )
}

REQUIRED_REMEDIES: Final = ("MC", "MB", "M2", OWN_DATABASE)
"""Remedies that must have been measured, without success, before a verdict for extraction."""

CUSTOM_REMEDY_PREFIX: Final = "M1-"
"""The beginning of the name of an arm with a custom remedy."""


def find_arm(name: str) -> Arm:
    """Return an arm by name: predefined, with a custom remedy, or a system that already runs."""
    if name.startswith(CUSTOM_REMEDY_PREFIX):
        remedy = name.removeprefix(CUSTOM_REMEDY_PREFIX)
        return Arm(name, "remedy", f"the monolith with the custom remedy {remedy}", remedy, 1)
    return ARMS.get(name) or Arm(name, "remedy", "a system that already runs", name, 1)


def sort_arms(names: Iterable[str]) -> list[str]:
    """Return the names without duplicates in the order of reports: predefined arms, then all others by name."""
    present = set(names)
    return [*(name for name in ARMS if name in present), *sorted(present - ARMS.keys())]
