"""The diagnosis as text for a terminal."""

from collections.abc import Iterator

from loadtests.evidence.diagnosis import AffectedModule, Diagnosis
from loadtests.evidence.window import ModuleUsage, UsageWindow

_RESOURCES = {
    "lock": "database locks",
    "pool": "its connection pool",
    "processor": "the processor",
    "database": "the database",
    "threads": "request threads",
}
FEW_SCRAPES = 5
"""With fewer scrapes, gauges (locks, statements, threads) are unreliable; counters are not affected."""
_HEAD = ("module", "req/s", "mean ms", "p95 ms", "cores", "db ms", "lock", "pool ms", "others ms")


def format_diagnosis(window: UsageWindow, diagnosis: Diagnosis) -> Iterator[str]:
    """Yield a table of the modules, then the bottleneck, the affected modules and the remedies."""
    requests = sum(module.requests for module in window.modules.values())
    yield f"{window.seconds:.0f} seconds of {requests:.1f} requests/s"
    yield ""
    width = max(len(name) for name in [*window.modules, _HEAD[0]]) + 2
    yield _HEAD[0].ljust(width) + "".join(word.rjust(10) for word in _HEAD[1:])
    for module in sorted(window.modules.values(), key=lambda each: -each.cpu):
        yield module.name.ljust(width) + "".join(cell.rjust(10) for cell in _cells(module))
    yield ""
    yield from describe_bottleneck(diagnosis)
    for application, serving in window.serving.items():
        if serving.scrapes < FEW_SCRAPES:
            yield (
                f"{application} was scraped only {_times(serving.scrapes)}, so its locks, statements and threads are "
                "unreliable: use a longer --seconds, or a longer --window with Prometheus."
            )
    yield "Try first:"
    for number, remedy in enumerate(diagnosis.remedies, 1):
        yield f"  {number}. {remedy}"


def describe_bottleneck(diagnosis: Diagnosis) -> list[str]:
    """Return one sentence with the bottleneck and its evidence, and one for each affected module."""
    if diagnosis.resource is None or diagnosis.module is None:
        first = f"No bottleneck: {diagnosis.because}."
    else:
        resource = _RESOURCES[diagnosis.resource]
        first = f"The bottleneck is {diagnosis.module}, limited by {resource}: {diagnosis.because}."
    return [first, *(_describe_affected(each) for each in diagnosis.affected)]


def _describe_affected(affected: AffectedModule) -> str:
    return (
        f"{affected.module} is affected: its requests wait {affected.milliseconds:.0f} ms for other modules, "
        f"{affected.share:.0%} of their time."
    )


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _cells(module: ModuleUsage) -> tuple[str, ...]:
    p95 = "-" if module.p95 is None else f"{module.p95 * 1000:.0f}"
    return (
        f"{module.requests:.1f}",
        f"{module.latency * 1000:.1f}",
        p95,
        f"{module.cpu:.2f}",
        f"{module.database_per_request * 1000:.1f}",
        f"{module.locked:.1f}",
        f"{module.pool_wait * 1000:.1f}",
        f"{module.unexplained * 1000:.1f}",
    )
