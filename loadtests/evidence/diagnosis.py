"""Which module is the bottleneck, of what, who suffers, and what to try first: rules, the most certain first."""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from loadtests.evidence.window import ModuleUsage, UsageWindow

Resource = Literal["lock", "pool", "processor", "database", "threads"]

BUSY_CORES: Final = 0.75
"""Of the cores that the processes could keep busy: an interpreter runs one thread at a time. Above, requests queue."""
LOCKED_SESSIONS: Final = 0.5
LOCKED_SHARE: Final = 0.3
POOL_SHARE: Final = 0.25
POOL_SECONDS: Final = 0.005
DATABASE_SHARE: Final = 0.5
DATABASE_SESSIONS: Final = 0.75
THREADS_SHARE: Final = 0.8
SUFFERING_SHARE: Final = 0.5
SUFFERING_SECONDS: Final = 0.02


_FIRST: Final[dict[Resource, str]] = {
    "lock": (
        "Find the statement of {module} that holds the lock, and make its transaction shorter: nothing outside the "
        "database belongs inside it."
    ),
    "pool": (
        "Look for transactions of {module} that stay open while something else is waited for; then give it more "
        "connections, if the database has room."
    ),
    "processor": (
        "Profile {endpoint}: {each} of processor time a request. Compute it once and keep it, or ask for less."
    ),
    "database": "Explain the statements of {endpoint}: an index, or an answer that is kept, is the cheapest remedy.",
    "threads": "Find what {module} waits for outside, and bound that wait; then give the process more threads.",
}


class AffectedModule(NamedTuple):
    """`share` of a mean request's time is spent waiting for others; `milliseconds` are those."""

    module: str
    share: float
    milliseconds: float


@dataclass(frozen=True)
class Diagnosis:
    """`resource` and `module` are None when nothing is short. `because` is the figure that decided."""

    resource: Resource | None
    module: str | None
    because: str
    sufferers: tuple[AffectedModule, ...]
    remedies: tuple[str, ...]


def diagnose(window: UsageWindow) -> Diagnosis:
    """The first of these that holds: a lock, the processor (which makes pools and threads short, too), a pool, the
    database, the threads."""
    for rule in (_lock, _processor, _pool, _database, _threads):
        found = rule(window)
        if found is not None:
            resource, module, because = found
            return Diagnosis(
                resource, module.name, because, _sufferers(window, module.name), remedies(resource, module, window)
            )
    because = "no lock, pool, processor, database or thread was short in this window"
    return Diagnosis(None, None, because, (), ("Look again at the peak; what is not short needs no remedy.",))


Found = tuple[Resource, ModuleUsage, str] | None


def _lock(window: UsageWindow) -> Found:
    module = max(window.modules.values(), key=lambda each: each.locked)
    statements = module.running + module.locked
    if module.locked < LOCKED_SESSIONS or module.locked < LOCKED_SHARE * statements:
        return None
    share = module.locked / statements
    return (
        "lock",
        module,
        f"{module.locked:.1f} of its sessions wait for a lock on average, {share:.0%} of those at work",
    )


def _pool(window: UsageWindow) -> Found:
    module = max(window.modules.values(), key=lambda each: each.pool_wait)
    if module.pool_wait < POOL_SECONDS or module.pool_wait < POOL_SHARE * module.latency:
        return None
    share = module.pool_wait / module.latency
    return "pool", module, f"a request waits {_ms(module.pool_wait)} for a connection, {share:.0%} of its time"


def _processor(window: UsageWindow) -> Found:
    for application, serving in window.serving.items():
        modules, processes = window.of(application), serving.processes or 1.0
        busy = sum(module.cpu for module in modules)
        if busy >= BUSY_CORES * processes:
            module = max(modules, key=lambda each: each.cpu)
            because = (
                f"{busy:.2f} cores are busy of {processes:g} that {_count(processes, 'process')} can use, "
                f"{module.cpu / busy:.0%} of them with {module.name}"
            )
            return "processor", module, because
    return None


def _database(window: UsageWindow) -> Found:
    module = max(window.modules.values(), key=lambda each: each.running)
    if not module.requests or module.running < DATABASE_SESSIONS:
        return None
    if module.database_a_request < DATABASE_SHARE * module.latency:
        return None
    share = module.database_a_request / module.latency
    return (
        "database",
        module,
        f"{module.running:.1f} of its statements run at once, and {share:.0%} of a request's time is spent in them",
    )


def _threads(window: UsageWindow) -> Found:
    for application, serving in window.serving.items():
        modules = window.of(application)
        busy = sum(module.in_flight for module in modules)
        if serving.threads and busy >= THREADS_SHARE * serving.threads:
            module = max(modules, key=lambda each: each.in_flight)
            because = (
                f"{busy:.1f} of {serving.threads:g} threads are taken, {module.in_flight:.1f} by {module.name}, "
                "which mostly waits for something outside"
            )
            return "threads", module, because
    return None


def _sufferers(window: UsageWindow, culprit: str) -> tuple[AffectedModule, ...]:
    """Whose requests spend most of their time on nothing of their own; the worst first."""
    found = [
        AffectedModule(module.name, module.elsewhere / module.latency, module.elsewhere * 1000)
        for module in window.modules.values()
        if module.name != culprit
        and module.elsewhere >= SUFFERING_SECONDS
        and module.elsewhere >= SUFFERING_SHARE * module.latency
    ]
    return tuple(sorted(found, key=lambda each: -each.milliseconds))


def remedies(resource: Resource, module: ModuleUsage, window: UsageWindow) -> tuple[str, ...]:
    """What to try, the cheapest first; taking the module out comes last, and is never said without its proof."""
    dearest = max(module.endpoints.items(), key=lambda item: item[1].cpu, default=None)
    endpoint = dearest[0] if dearest else module.name
    each = _ms(dearest[1].cpu / dearest[1].requests) if dearest and dearest[1].requests else "-"
    first = _FIRST[resource].format(module=module.name, endpoint=endpoint, each=each)
    rest = []
    if resource == "processor":
        rest.append("Then a second process of the same application, if the machine has a core for it.")
    if _sufferers(window, module.name):
        rest.append(
            f"To protect the others: a process and a pool of its own for {module.name}'s routes (a bulkhead), "
            "without taking it out."
        )
    rest.append("Whether extraction would do more than that is for `extraction lab run` to show.")
    return (first, *rest)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _count(number: float, word: str) -> str:
    return f"{number:g} {word}" if number == 1 else f"{number:g} {word}es"
