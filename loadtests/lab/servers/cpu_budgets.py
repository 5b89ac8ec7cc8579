"""Shares of a processor core that groups of processes may use, where the kernel enforces them: Linux control groups.

A short period keeps a quota from making a tail of its own: with the usual 100 ms, whoever has used it up waits for most
of that.
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
"""Of each budget, so that two of them share the servers' core and leave the kernel some of it."""

_FIRST_VERSION: Final = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup/cpu,cpuacct"))
_SECOND_VERSION: Final = Path("/sys/fs/cgroup")


class CpuBudget:
    """A group of processes that together use no more than their quota."""

    def __init__(self, group: Path) -> None:
        self._group = group

    def hold(self, pids: Sequence[int]) -> None:
        """These processes, and all that they have started and will start."""
        for pid in pids:
            for each in process_tree(pid):
                _move(each.pid, self._group)


def reason_unavailable() -> str | None:
    """Why there are no quotas here, in a sentence; None when there are."""
    try:
        with cpu_budget("probe", BUDGET_CORES):
            return None
    except CommandError as error:
        return str(error)


@contextlib.contextmanager
def cpu_budget(name: str, cores: float) -> Iterator[CpuBudget]:
    """A quota while the block lasts; processes that live on leave it then. Raises CommandError where the kernel,
    or its administrator, allows none."""
    group = _parent() / f"extraction-lab-{os.getpid()}-{name}"
    try:
        group.mkdir()
    except OSError as error:
        raise CommandError(_refused(error)) from error
    try:
        _set(group, cores)
        yield CpuBudget(group)
    finally:
        with contextlib.suppress(OSError):
            for pid in (group / "cgroup.procs").read_text().split():
                _move(int(pid), group.parent)
            group.rmdir()


def _set(group: Path, cores: float) -> None:
    quota = round(PERIOD_US * cores)
    try:
        if (group / "cpu.cfs_quota_us").exists():
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {PERIOD_US}")
    except OSError as error:
        raise CommandError(_refused(error)) from error


def _parent() -> Path:
    for hierarchy in _FIRST_VERSION:
        if (hierarchy / "cpu.cfs_quota_us").exists():
            return hierarchy
    control = _SECOND_VERSION / "cgroup.subtree_control"
    if control.exists() and "cpu" in control.read_text().split():
        return _SECOND_VERSION
    raise CommandError("this system has no control groups that limit processor time")


def _move(pid: int, group: Path) -> None:
    # A process that has ended meanwhile needs no place.
    with contextlib.suppress(ProcessLookupError):
        (group / "cgroup.procs").write_text(str(pid))


def _refused(error: OSError) -> str:
    return f"control groups may not be used here ({error.strerror}): arms with two budgets want root"
