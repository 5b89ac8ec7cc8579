"""Processor time of the servers: where a request's time goes, in a figure that a busy neighbour hardly disturbs."""

from collections.abc import Mapping

import psutil

from loadtests.harness.process_tree import process_tree

CpuSeconds = dict[str, float]
"""Seconds of processor time by the name of a server."""


def cpu_seconds(servers: Mapping[str, int]) -> CpuSeconds:
    """Until now, by each server (its process id) and by all processes that it started and that still run."""
    return {name: sum(map(_seconds, process_tree(pid))) for name, pid in servers.items()}


def cpu_seconds_between(before: CpuSeconds, after: CpuSeconds) -> CpuSeconds:
    """What came in between."""
    return {name: after[name] - before[name] for name in before}


def format_cpu_per_request(spendings: list[CpuSeconds], answers: int) -> str:
    """Of one request, in microseconds."""
    totals = {name: sum(spending[name] for spending in spendings) for name in spendings[0]}
    each = {name: seconds / answers * 1e6 for name, seconds in totals.items()}
    return f"{sum(each.values()):.0f} µs of processor time: " + ", ".join(f"{n} {each[n]:.0f}" for n in each)


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
