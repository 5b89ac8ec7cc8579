"""Constructed runs, with a set for each verdict."""

from collections.abc import Mapping, Sequence

from loadtests.lab.planning.arms import BASELINE, REPEAT
from loadtests.lab.results.model import ModuleResult, Run
from loadtests.lab.verdict.thresholds import read_thresholds
from loadtests.lab.verdict.verdict import IDLE, PEAK

THRESHOLDS = read_thresholds()
# The blocks vary a little, equally for every arm, since all arms get the same arrivals.
BLOCKS = (1.00, 1.04, 0.97, 1.02)


def module(p99_ms: float, *, arrivals: int = 2_000, errors: int = 0, dropped: int = 0) -> ModuleResult:
    return ModuleResult(
        arrivals=arrivals,
        errors=errors,
        dropped=dropped,
        conflicts=0,
        p50_ms=p99_ms / 10,
        p95_ms=p99_ms / 2,
        p99_ms=p99_ms,
    )


def run(
    arm: str,
    block: int,
    p99_ms: float,
    *,
    scenario: str = PEAK,
    load: float = 1.3,
    cpu_ms: float = 10_000.0,
    **more: object,
) -> Run:
    """Return a run in which scheduling has this p99 and the other modules meet their SLOs."""
    modules = {"scheduling": module(p99_ms), "auth": module(50), "billing": module(40), "notifications": module(30)}
    return Run(
        block=block,
        place=0,
        arm=arm,
        scenario=scenario,
        load=load,
        seed=block,
        modules={**modules, **more.pop("modules", {})},  # type: ignore[dict-item]
        bookings=1_000,
        seconds=60.0,
        cpu_ms=cpu_ms,
        db_ms=4_000.0,
        **more,  # type: ignore[arg-type]
    )


def runs(
    p99_ms: Mapping[str, float], cpu_ms: Mapping[str, float] | None = None, spread: Sequence[float] = BLOCKS
) -> list[Run]:
    """Return a run of each arm in every block; M1' equals M1 unless given."""
    measured = {REPEAT: p99_ms[BASELINE], **p99_ms}
    return [
        run(arm, block, typical * factor, cpu_ms=(cpu_ms or {}).get(arm, 10_000.0))
        for block, factor in enumerate(spread)
        for arm, typical in measured.items()
    ]


def idle(p50_of: Mapping[str, float]) -> list[Run]:
    """Return idle hours with the given medians of scheduling by arm."""
    return [
        run(arm, block, 10 * median * factor, scenario=IDLE, load=0.1)
        for block, factor in enumerate(BLOCKS)
        for arm, median in p50_of.items()
    ]
