"""The report in sentences: what the peak does to the others, what each arm changes, and what it costs."""

from collections.abc import Iterator

from loadtests.estimates import Estimate
from loadtests.lab.arms import AGAIN, ARMS, BASELINE
from loadtests.lab.gates import in_words
from loadtests.lab.report.figures import Figures
from loadtests.lab.runs import MODULES

_OTHERS = tuple(module for module in MODULES if module != "scheduling")


def findings(figures: Figures) -> Iterator[tuple[str, list[str]]]:
    """Headings, and sentences under each."""
    yield "What the peak does in the monolith", list(_in_the_monolith(figures))
    for arm in figures.arms:
        if arm not in (BASELINE, AGAIN):
            yield f"What {arm} changes: {ARMS[arm].words}", [*_changes(figures, arm), *_costs(figures, arm)]


def _in_the_monolith(figures: Figures) -> Iterator[str]:
    for module in ("scheduling", *_OTHERS):
        name = figures.tail_name(module)
        peak, idle = (figures.middle_tail(runs(BASELINE), module) for runs in (figures.peak, figures.idle))
        if peak is None:
            continue
        promise = figures.thresholds.slo_p99_ms[module]
        kept = "within" if peak <= promise else "beyond"
        words = f"{module}: {name} {peak:,.0f} ms at the peak, {kept} the {promise:g} ms it promises"
        if idle is not None:
            words += f"; in idle hours {idle:,.0f} ms, so {peak / idle:.1f} times as long"
        good = figures.good_share(BASELINE, module)
        yield f"{words}. {good:.0%} were answered in time." if good is not None else f"{words}."


def _changes(figures: Figures, arm: str) -> Iterator[str]:
    for module in (*_OTHERS, "scheduling"):
        estimate, tail = figures.relief(arm, module), figures.middle_tail(figures.peak(arm), module)
        if estimate is None or tail is None:
            continue
        promise = figures.thresholds.slo_p99_ms[module]
        kept = "kept" if tail <= promise else "not kept"
        yield (
            f"{module}: {figures.tail_name(module)} {tail:,.0f} ms, {_compared(estimate)}; "
            f"the promise of {promise:g} ms is {kept}."
        )


def _costs(figures: Figures, arm: str) -> Iterator[str]:
    cpu, idle = figures.cpu_per_booking(arm), figures.idle_latency(arm)
    if cpu is not None:
        yield f"Processor time for each booking at the peak, by M1's: {in_words(cpu)}."
    if idle is not None:
        yield f"Median latency of scheduling in idle hours, by M1's: {in_words(idle)}."


def _compared(estimate: Estimate) -> str:
    """By M1, and whether that is more than noise."""
    if estimate.low > 1:
        said = "longer than in M1"
    elif estimate.high < 1:
        said = "shorter than in M1"
    else:
        said = "which these blocks cannot tell from M1"
    return f"{in_words(estimate)} by M1's, {said}"
