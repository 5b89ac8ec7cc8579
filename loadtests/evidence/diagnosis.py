"""The bottleneck: module, scarce resource, affected modules and remedies; rules ordered by certainty."""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from loadtests.evidence.window import ModuleUsage, UsageWindow

Resource = Literal["lock", "pool", "processor", "database", "threads"]

BUSY_CORES: Final = 0.75
"""Share of the usable cores (one per process, because of the GIL) above which requests queue for the processor."""
LOCKED_SESSIONS: Final = 0.5
LOCKED_SHARE: Final = 0.3
POOL_SHARE: Final = 0.25
POOL_SECONDS: Final = 0.005
DATABASE_SHARE: Final = 0.5
DATABASE_SESSIONS: Final = 0.75
THREADS_SHARE: Final = 0.8
AFFECTED_SHARE: Final = 0.5
AFFECTED_SECONDS: Final = 0.02


_FIRST_REMEDY: Final[dict[Resource, str]] = {
    "lock": (
        "Find the statement of {module} that holds the lock, and shorten its transaction: it should contain database "
        "work only."
    ),
    "pool": (
        "Look for transactions of {module} that stay open during other waits; then enlarge its pool, if the database "
        "has capacity."
    ),
    "processor": "Profile {endpoint}: {each} of CPU time per request. Cache the result, or compute less.",
    "database": "Run EXPLAIN for the statements of {endpoint}: an index or a cached response is the cheapest remedy.",
    "threads": "Find the external calls of {module}, and limit them by timeouts; then add threads to the process.",
}


class AffectedModule(NamedTuple):
    """A module whose requests wait for others: `milliseconds` of a mean request, which are `share` of its time."""

    module: str
    share: float
    milliseconds: float


@dataclass(frozen=True)
class Diagnosis:
    """`resource` and `module` are None without a bottleneck. `because` is the deciding figure."""

    resource: Resource | None
    module: str | None
    because: str
    affected: tuple[AffectedModule, ...]
    remedies: tuple[str, ...]


def diagnose(window: UsageWindow) -> Diagnosis:
    """Return the first bottleneck found: lock, processor (which also exhausts pools and threads), pool, database,
    threads."""
    for rule in (_lock, _processor, _pool, _database, _threads):
        found = rule(window)
        if found is not None:
            resource, module, because = found
            affected = _affected_modules(window, module.name)
            return Diagnosis(resource, module.name, because, affected, list_remedies(resource, module, window))
    because = "no lock, processor, pool, database or threads were exhausted in this window"
    return Diagnosis(None, None, because, (), ("Repeat the diagnosis at the peak.",))


Found = tuple[Resource, ModuleUsage, str] | None


def _lock(window: UsageWindow) -> Found:
    module = max(window.modules.values(), key=lambda each: each.locked)
    statements = module.running + module.locked
    if module.locked < LOCKED_SESSIONS or module.locked < LOCKED_SHARE * statements:
        return None
    share = module.locked / statements
    because = f"{module.locked:.1f} of its sessions wait for a lock on average, {share:.0%} of its active sessions"
    return "lock", module, because


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
    if module.database_per_request < DATABASE_SHARE * module.latency:
        return None
    share = module.database_per_request / module.latency
    because = f"{module.running:.1f} of its statements run at once, and they take {share:.0%} of a request's time"
    return "database", module, because


def _threads(window: UsageWindow) -> Found:
    for application, serving in window.serving.items():
        modules = window.of(application)
        busy = sum(module.in_flight for module in modules)
        if serving.threads and busy >= THREADS_SHARE * serving.threads:
            module = max(modules, key=lambda each: each.in_flight)
            because = (
                f"{busy:.1f} of {serving.threads:g} threads are busy, {module.in_flight:.1f} with {module.name}, "
                "which mostly waits for external calls"
            )
            return "threads", module, because
    return None


def _affected_modules(window: UsageWindow, bottleneck: str) -> tuple[AffectedModule, ...]:
    """Return the modules whose requests mostly wait for others, the worst first."""
    found = [
        AffectedModule(module.name, module.unexplained / module.latency, module.unexplained * 1000)
        for module in window.modules.values()
        if module.name != bottleneck
        and module.unexplained >= AFFECTED_SECONDS
        and module.unexplained >= AFFECTED_SHARE * module.latency
    ]
    return tuple(sorted(found, key=lambda each: -each.milliseconds))


def list_remedies(resource: Resource, module: ModuleUsage, window: UsageWindow) -> tuple[str, ...]:
    """Return what to try, the cheapest first; extraction is only mentioned as a question for the laboratory."""
    dearest = max(module.endpoints.items(), key=lambda item: item[1].cpu, default=None)
    endpoint = dearest[0] if dearest else module.name
    each = _ms(dearest[1].cpu / dearest[1].requests) if dearest and dearest[1].requests else "-"
    first = _FIRST_REMEDY[resource].format(module=module.name, endpoint=endpoint, each=each)
    rest = []
    if resource == "processor":
        rest.append("Add a second process of the same application, if the machine has a free core.")
    if _affected_modules(window, module.name):
        rest.append(
            f"To protect the other modules, serve {module.name}'s routes from a process and a pool of their own (a "
            "bulkhead), without extracting the module."
        )
    rest.append("To find out whether an extraction would achieve more, measure it: `extraction lab run`.")
    return (first, *rest)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _count(number: float, word: str) -> str:
    return f"{number:g} {word}" if number == 1 else f"{number:g} {word}es"
