"""Costs of the extraction on this machine: processes, lines, milliseconds, processor time, failure modes."""

import importlib.util
import json
import os
import platform
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from deploy.devstack.settings import read_settings
from loadtests.learning.steps.model import LiveValue, ObservedSystem
from monolith.cutover.service import write_pause_ms

ADDED_PROCESSES: Final = ("postgres-scheduling", "scheduling-web", "scheduling-relay", "cutover-daemon", "console")
"""Those that a monolith alone does not have, as the demo's supervisor names them."""
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "the boundary, which a modular monolith has too": ("contracts.scheduling",),
    "the network: the service's own web layer, and the client of it": (
        "scheduling_service.web",
        "monolith.modules.scheduling.adapters",
    ),
    "the move, deleted at the end": ("monolith.cutover", "deploy.console"),
}
FAILURES: Final = (
    "contracts.scheduling.errors:Unavailable",
    "contracts.scheduling.errors:DeadlineExceeded",
    "contracts.scheduling.errors:OutcomeUnknown",
    "contracts.scheduling.errors:NotOwner",
)
"""Errors that only another process, or a move between two, can cause."""


class ProcessCost(NamedTuple):
    """A process of the demo with its descendants, since it was started. None where the system does not tell."""

    name: str
    is_added: bool
    processes: int | None
    cpu_seconds: float | None
    megabytes: float | None


def measure_processes() -> list[ProcessCost]:
    """Return the running processes of the demo in this folder; empty without one."""
    record = read_settings(os.environ).data / "run" / "processes.json"
    try:
        entries = json.loads(record.read_text())
    except (FileNotFoundError, ValueError):
        return []
    table = _process_table() if platform.system() == "Linux" else {}
    return [_cost(each["name"], int(each["pid"]), table) for each in entries]


def count_lines() -> dict[str, int]:
    """Return the lines of code of each part, without blank lines, by its description; absent ones count 0."""
    return {part: sum(_lines(package) for package in packages) for part, packages in PARTS.items()}


def measure_delays(observed: ObservedSystem) -> list[LiveValue]:
    """Return the delays of calls and cutovers, as far as they were measured in this system."""
    found = [each for each in observed.shadow() if each.compared and each.owner_ms and each.candidate_ms]
    compared = sum(each.compared for each in found)
    state = observed.extraction
    pauses = [] if state is None else [write_pause_ms(each) for each in state.cutovers if each.state == "active"]
    measured = [each for each in pauses if each is not None]
    if found:
        owner = sum(each.compared * (each.owner_ms or 0.0) for each in found) / compared
        candidate = sum(each.compared * (each.candidate_ms or 0.0) for each in found) / compared
        reads = f"owner {owner:.1f} ms, other adapter {candidate:.1f} ms, means of {compared:,} reads"
    else:
        reads = "not measured yet: step 7 compares both adapters"
    if measured:
        pause = f"median {median(measured):.0f} ms, at most {max(measured):.0f} ms, in {len(measured)} cutovers"
    else:
        pause = "not measured yet: step 8 moves a business"
    return [LiveValue("a read through each adapter", reads), LiveValue("pause of writes in a cutover", pause)]


def _cost(name: str, pid: int, table: Mapping[int, tuple[int, float, float]]) -> ProcessCost:
    tree = list(_tree(pid, table))
    if not tree:
        return ProcessCost(name, name in ADDED_PROCESSES, None, None, None)
    return ProcessCost(
        name,
        name in ADDED_PROCESSES,
        len(tree),
        sum(table[each][1] for each in tree),
        sum(table[each][2] for each in tree),
    )


def _tree(pid: int, table: Mapping[int, tuple[int, float, float]]) -> Iterator[int]:
    if pid in table:
        yield pid
        for child, (parent, _, _) in table.items():
            if parent == pid:
                yield from _tree(child, table)


def _process_table() -> dict[int, tuple[int, float, float]]:
    """Return parent, processor seconds and own megabytes of each process, from /proc."""
    ticks = os.sysconf("SC_CLK_TCK")
    table: dict[int, tuple[int, float, float]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            shared, resident = _memory(folder)
        except (OSError, ValueError, IndexError):
            continue
        # User and system time, with those of children that have ended.
        table[int(folder.name)] = (int(fields[1]), sum(map(int, fields[11:15])) / ticks, resident - shared)
    return table


def _memory(folder: Path) -> tuple[float, float]:
    """Return shared and resident memory in megabytes."""
    _, resident, shared, *_ = (folder / "statm").read_text().split()
    page = os.sysconf("SC_PAGE_SIZE") / 1e6
    return int(shared) * page, int(resident) * page


@lru_cache(maxsize=20)
def _lines(package: str) -> int:
    try:
        found = importlib.util.find_spec(package)
    except ModuleNotFoundError:
        return 0
    folders = [] if found is None else [Path(each) for each in found.submodule_search_locations or ()]
    files = [path for folder in folders for path in folder.rglob("*.py") if "migrations" not in path.parts]
    return sum(1 for path in files for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
