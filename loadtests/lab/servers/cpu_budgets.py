"""CPU quotas of process groups by Linux control groups.

The period is short: with the usual 100 ms, a group that has used up its quota would be throttled for most of that, and
the quota itself would show in the tail latency.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from deploy.errors import CommandError
from loadtests.harness.process_tree import process_tree

PERIOD_US: Final = 10_000
BUDGET_CORES: Final = 0.45
"""Cores per budget: two budgets share the servers' core and leave the kernel some of it."""

_CGROUPS_V1: Final = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup/cpu,cpuacct"))
_CGROUPS_V2: Final = Path("/sys/fs/cgroup")


class CpuBudget:
    """A control group whose processes together use no more than its quota."""

    def __init__(self, group: Path) -> None:
        self._group = group

    def add(self, pids: Sequence[int]) -> None:
        """Add processes with their descendants, present and future."""
        for pid in pids:
            for process in process_tree(pid):
                _move(process.pid, self._group)


def reason_unavailable() -> str | None:
    """Return why this machine has no CPU quotas, or None if it has."""
    try:
        with cpu_budget("probe", BUDGET_CORES):
            return None
    except CommandError as error:
        return str(error)


@contextlib.contextmanager
def cpu_budget(name: str, cores: float) -> Iterator[CpuBudget]:
    """Provide a quota within the block; afterwards remaining processes return to the parent group.

    Raises CommandError where control groups are unavailable or not permitted.
    """
    group = _parent() / f"extraction-lab-{os.getpid()}-{name}"
    try:
        group.mkdir()
    except OSError as error:
        raise CommandError(_describe(error)) from error
    try:
        _set_quota(group, cores)
        yield CpuBudget(group)
    finally:
        with contextlib.suppress(OSError):
            for pid in (group / "cgroup.procs").read_text().split():
                _move(int(pid), group.parent)
            group.rmdir()


def _set_quota(group: Path, cores: float) -> None:
    quota = round(PERIOD_US * cores)
    try:
        if (group / "cpu.cfs_quota_us").exists():
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {PERIOD_US}")
    except OSError as error:
        raise CommandError(_describe(error)) from error


def _parent() -> Path:
    for hierarchy in _CGROUPS_V1:
        if (hierarchy / "cpu.cfs_quota_us").exists():
            return hierarchy
    control = _CGROUPS_V2 / "cgroup.subtree_control"
    if control.exists() and "cpu" in control.read_text().split():
        return _CGROUPS_V2
    raise CommandError("this system has no control groups that limit processor time")


def _move(pid: int, group: Path) -> None:
    # The process may have ended.
    with contextlib.suppress(ProcessLookupError):
        (group / "cgroup.procs").write_text(str(pid))


def _describe(error: OSError) -> str:
    return f"control groups cannot be used ({error.strerror}): arms with two budgets require root"
