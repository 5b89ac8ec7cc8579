"""Processor time of servers: attributes the cost of a request, and hardly depends on other load on the machine."""

from collections.abc import Mapping

import psutil

from loadtests.harness.process_tree import process_tree

CpuSeconds = dict[str, float]
"""Seconds of processor time by server name."""


def cpu_seconds(servers: Mapping[str, int]) -> CpuSeconds:
    """Return the processor time of each server (name to process id) and its running descendants since they started."""
    return {name: sum(map(_seconds, process_tree(pid))) for name, pid in servers.items()}


def cpu_seconds_between(before: CpuSeconds, after: CpuSeconds) -> CpuSeconds:
    return {name: after[name] - before[name] for name in before}


def format_cpu_per_request(samples: list[CpuSeconds], requests: int) -> str:
    """Return the processor time per request, in microseconds, in total and by server."""
    totals = {name: sum(sample[name] for sample in samples) for name in samples[0]}
    per_request = {name: seconds / requests * 1e6 for name, seconds in totals.items()}
    by_server = ", ".join(f"{name} {per_request[name]:.0f}" for name in per_request)
    return f"{sum(per_request.values()):.0f} µs of processor time: {by_server}"


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
