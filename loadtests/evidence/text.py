"""The diagnosis as a person reads it."""

from collections.abc import Iterator

from loadtests.evidence.diagnosis import Diagnosis
from loadtests.evidence.window import ModuleUsage, UsageWindow

_NAMES = {
    "lock": "locks in the database",
    "pool": "its pool of connections",
    "processor": "the processor",
    "database": "the database",
    "threads": "threads",
}
FEW_LOOKS = 5
"""Counters add up whatever is between two looks; locks and statements are seen only at a look."""
_HEAD = ("module", "req/s", "mean ms", "p95 ms", "cores", "db ms", "lock", "pool ms", "others ms")


def format_diagnosis(window: UsageWindow, diagnosis: Diagnosis) -> Iterator[str]:
    """Lines for a terminal: a table of the modules, then what they say."""
    yield f"{window.seconds:.0f} seconds of {sum(module.requests for module in window.modules.values()):.1f} requests/s"
    yield ""
    width = max(len(name) for name in [*window.modules, _HEAD[0]]) + 2
    yield _HEAD[0].ljust(width) + "".join(word.rjust(10) for word in _HEAD[1:])
    for module in sorted(window.modules.values(), key=lambda each: -each.cpu):
        yield module.name.ljust(width) + "".join(cell.rjust(10) for cell in _cells(module))
    yield ""
    if diagnosis.resource is None or diagnosis.module is None:
        yield f"Nothing is short: {diagnosis.because}."
    else:
        yield f"The bottleneck is {diagnosis.module}, of {_NAMES[diagnosis.resource]}: {diagnosis.because}."
    for sufferer in diagnosis.sufferers:
        yield (
            f"{sufferer.module} suffers: {sufferer.milliseconds:.0f} ms of a request, {sufferer.share:.0%} of its "
            "time, are spent waiting for others."
        )
    for application, serving in window.serving.items():
        if serving.looks < FEW_LOOKS:
            yield (
                f"{application} was looked at {_times(serving.looks)} only, so its locks, statements and threads were "
                "hardly seen: look for longer, or ask Prometheus for a longer --window."
            )
    yield "Try first:"
    for number, remedy in enumerate(diagnosis.remedies, 1):
        yield f"  {number}. {remedy}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _cells(module: ModuleUsage) -> tuple[str, ...]:
    p95 = "-" if module.p95 is None else f"{module.p95 * 1000:.0f}"
    return (
        f"{module.requests:.1f}",
        f"{module.latency * 1000:.1f}",
        p95,
        f"{module.cpu:.2f}",
        f"{module.database_a_request * 1000:.1f}",
        f"{module.locked:.1f}",
        f"{module.pool_wait * 1000:.1f}",
        f"{module.elsewhere * 1000:.1f}",
    )
