"""Quotas of processor time for groups of servers, by Linux control groups, and what each group used of its quota.

The period is short: with the usual 100 ms, a group that has used up its quota would be throttled for most of that, and
the quota itself would show in the tail latency. The kernel accepts no quota below 1 ms, so smaller budgets have a
longer period: 5 % of a core is 2 ms in 40, which leaves room to halve it.

Version 1 (controllers `cpu` and `cpuacct`) requires root. Version 2 requires root or a group of one's own, as in
`systemd-run --user --scope -p Delegate=yes extraction lab run`.
"""

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from deploy.errors import CommandError
from loadtests.harness.process_tree import process_tree

PERIOD_US: Final = 10_000
LEAST_QUOTA_US: Final = 1_000
"""The kernel's minimum."""
LEAST_SHARE: Final = 0.5
"""A budget can be scaled to this share with its period unchanged, so in one write: two would not be atomic."""
_NO_QUOTA: Final = -1

_ROOT: Final = Path("/sys/fs/cgroup")
_LEAF: Final = "extraction-lab-itself"
_REMOVAL_SECONDS: Final = 2.0


class GroupUsage(NamedTuple):
    """Milliseconds since the group was created: processor time, and time during which its quota was used up.

    The processor time includes that of processes that have ended.
    """

    cpu_ms: float
    throttled_ms: float

    def since(self, before: "GroupUsage") -> "GroupUsage":
        return GroupUsage(self.cpu_ms - before.cpu_ms, self.throttled_ms - before.throttled_ms)


@dataclass
class CpuBudget:
    """A control group whose processes together use no more than its quota: `cores`, or a share of them.

    `accounting` is the group that counts their processor time: the same one, except where version 1 has the two
    controllers in separate hierarchies. Safe for threads.
    """

    cores: float
    group: Path
    accounting: Path
    _share: float = field(default=1.0, init=False)
    _lifted: bool = field(default=False, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def add(self, pids: Sequence[int]) -> None:
        """Add processes with their descendants, present and future. Processes that have ended are ignored."""
        # Repeat until none is new: a process may fork while its siblings are being moved.
        known: set[int] = set()
        while found := _trees(pids) - known:
            known |= found
            for group in {self.group, self.accounting}:
                for pid in found:
                    _move(pid, group)

    def usage(self) -> GroupUsage:
        """Return what the group has used until now."""
        counters = _read_counters(self.group / "cpu.stat")
        if "usage_usec" in counters:
            return GroupUsage(counters["usage_usec"] / 1e3, counters["throttled_usec"] / 1e3)
        used = int((self.accounting / "cpuacct.usage").read_text())
        return GroupUsage(used / 1e6, counters["throttled_time"] / 1e6)

    def lift(self) -> None:
        """Remove the quota until `impose`: for work that is not measured."""
        with self._lock:
            self._lifted = True
            self._set(None)

    def impose(self) -> None:
        """Set the quota. Raises CommandError where that is not permitted."""
        with self._lock:
            self._lifted = False
            self._set(self._share)

    def scale(self, share: float) -> None:
        """Set the quota to a share of `cores`, at least half; while it is lifted, the share that `impose` will set.

        Raises CommandError.
        """
        with self._lock:
            self._share = share
            if not self._lifted:
                self._set(share)

    def _set(self, share: float | None) -> None:
        period = max(PERIOD_US, round(LEAST_QUOTA_US / (self.cores * LEAST_SHARE)))
        quota = None if share is None else max(LEAST_QUOTA_US, round(period * self.cores * share))
        try:
            _write_quota(self.group, quota, period)
        except OSError as error:
            raise CommandError(_describe(error)) from error


class _Hierarchy(NamedTuple):
    """The parents of new groups."""

    cpu: Path
    accounting: Path


def reason_unavailable() -> str | None:
    """Return why this machine has no processor budgets, or None if it has."""
    try:
        with cpu_budgets({"probe": 0.05}):
            return None
    except CommandError as error:
        return str(error)


@contextlib.contextmanager
def cpu_budgets(cores: Mapping[str, float], label: str = "") -> Iterator[dict[str, CpuBudget]]:
    """Provide a group with a quota for each name within the block; `label` keeps simultaneous blocks apart.

    Afterwards remaining processes return to the parent group. Raises CommandError where control groups are unavailable
    or not permitted.
    """
    parents, made = _hierarchy(), dict[str, CpuBudget]()
    _remove_abandoned(parents)
    try:
        for name, budget in cores.items():
            folder = f"extraction-lab-{os.getpid()}-{label}{name}"
            made[name] = CpuBudget(budget, parents.cpu / folder, parents.accounting / folder)
            for group in {made[name].group, made[name].accounting}:
                group.mkdir()
            made[name].impose()
        yield made
    except OSError as error:
        raise CommandError(_describe(error)) from error
    finally:
        for each in made.values():
            for group in {each.group, each.accounting}:
                _remove(group)


def _write_quota(group: Path, quota: int | None, period: int) -> None:
    version_1 = group / "cpu.cfs_quota_us"
    if not version_1.exists():
        (group / "cpu.max").write_text(f"{'max' if quota is None else quota} {period}")
        return
    periods = group / "cpu.cfs_period_us"
    if int(periods.read_text()) != period:
        periods.write_text(str(period))
    version_1.write_text(str(_NO_QUOTA if quota is None else quota))


def _hierarchy() -> _Hierarchy:
    for cpu in (_ROOT / "cpu", _ROOT / "cpu,cpuacct"):
        if (cpu / "cpu.cfs_quota_us").exists() or (cpu / "cpu.cfs_period_us").exists():
            return _Hierarchy(cpu, cpu if (cpu / "cpuacct.usage").exists() else _ROOT / "cpuacct")
    for group in (_ROOT, _own_group()):
        if "cpu" in _words(group / "cgroup.controllers") and os.access(group, os.W_OK):
            _delegate(group)
            return _Hierarchy(group, group)
    raise CommandError(
        "there are no control groups that limit processor time here: run as root, or on a system with systemd as "
        "`systemd-run --user --scope -p Delegate=yes extraction lab run`"
    )


def _remove_abandoned(parents: _Hierarchy) -> None:
    """Remove the empty groups of laboratories that were killed."""
    for parent in set(parents):
        for group in parent.glob("extraction-lab-[0-9]*-*"):
            if not Path("/proc", group.name.split("-")[2]).exists():
                with contextlib.suppress(OSError):
                    group.rmdir()


def _own_group() -> Path:
    """Return the group of this process in version 2."""
    lines = Path("/proc/self/cgroup").read_text().splitlines() if _ROOT.exists() else []
    own = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
    return _ROOT / own.removesuffix(_LEAF).strip("/")


def _delegate(group: Path) -> None:
    """Allow quotas for the children of a group. Only the root may also hold processes, so its own move to a leaf."""
    if "cpu" in _words(group / "cgroup.subtree_control"):
        return
    try:
        if group != _ROOT:
            (group / _LEAF).mkdir(exist_ok=True)
            for pid in _words(group / "cgroup.procs"):
                _move(int(pid), group / _LEAF)
        (group / "cgroup.subtree_control").write_text("+cpu")
    except OSError as error:
        raise CommandError(_describe(error)) from error


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []


def _read_counters(file: Path) -> dict[str, int]:
    words = file.read_text().split()
    return {name: int(value) for name, value in zip(words[::2], words[1::2], strict=True)}


def _trees(pids: Sequence[int]) -> set[int]:
    found: set[int] = set()
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            found |= {process.pid for process in process_tree(pid)}
    return found


def _move(pid: int, group: Path) -> None:
    # The process may have ended.
    with contextlib.suppress(ProcessLookupError):
        (group / "cgroup.procs").write_text(str(pid))


def _remove(group: Path) -> None:
    until = time.monotonic() + _REMOVAL_SECONDS
    while group.exists():
        with contextlib.suppress(OSError):
            for pid in _words(group / "cgroup.procs"):
                _move(int(pid), group.parent)
            # Refused while a process of the group has ended and was not waited for yet.
            group.rmdir()
        if time.monotonic() > until:
            return
        time.sleep(0.01)


def _describe(error: OSError) -> str:
    return f"control groups cannot be used ({error.strerror}): processor budgets require root, or a group of one's own"
