"""The report in sentences: what the peak does to the others, what each arm changes and costs, and what would do."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from loadtests.generator.estimates import Estimate
from loadtests.lab.planning.arms import BASELINE, REPEAT, find_arm
from loadtests.lab.report.figures import ERROR_LATENCY_MS, ReportFigures
from loadtests.lab.results.model import MODULES
from loadtests.lab.verdict.gates import format_estimate

_OTHERS = tuple(module for module in MODULES if module != "scheduling")
_OF_MIDDLE_RUNS = "Said of middle runs; whether it is more than noise, the gates say."
_IN_A_WORD = {"M2": "a second replica", "MB": "a bulkhead", "MC": "an availability cache"}


def list_findings(figures: ReportFigures) -> Iterator[tuple[str, list[str]]]:
    """Headings, and sentences under each."""
    yield "What the peak does in the monolith", list(_in_the_monolith(figures))
    others = [arm for arm in figures.arms if arm not in (BASELINE, REPEAT)]
    for arm in others:
        yield f"What {arm} changes: {find_arm(arm).words}", [*_changes(figures, arm), *_costs(figures, arm)]
    extracted = [arm for arm in others if find_arm(arm).kind == "extracted"]
    for arm in others if extracted else ():
        if find_arm(arm).kind == "remedy":
            words = _IN_A_WORD.get(arm, arm)
            yield f"Would {words} have done?", list(_would_have_done(figures, arm, words, extracted))


def _in_the_monolith(figures: ReportFigures) -> Iterator[str]:
    for module in ("scheduling", *_OTHERS):
        tail, good = figures.middle_tail(BASELINE, module), figures.good_share(BASELINE, module)
        if tail is None or good is None:
            continue
        words = f"{module}: {_tail(figures, module, tail)} at the peak, {_kept(figures, module, tail)}. "
        words += f"{good:.0%} were answered in time."
        neighbour = figures.neighbour(BASELINE, module)
        if neighbour is not None and neighbour[1] < ERROR_LATENCY_MS:
            idle, peak = neighbour
            name = figures.neighbour_name(module)
            words += (
                f" Against idle hours its {name} is {peak / idle:.1f} times as long ({idle:,.0f} to {peak:,.0f} ms)."
            )
        yield words


def _changes(figures: ReportFigures, arm: str) -> Iterator[str]:
    for module in (*_OTHERS, "scheduling"):
        estimate, tail = figures.relief(arm, module), figures.middle_tail(arm, module)
        if estimate is None or tail is None:
            continue
        yield (
            f"{module}: {_tail(figures, module, tail)}, {_kept(figures, module, tail)}; by M1's "
            f"{format_estimate(estimate)}: {_compared(estimate)}."
        )


def _costs(figures: ReportFigures, arm: str) -> Iterator[str]:
    cpu, idle = figures.cpu_per_booking(arm), figures.idle_latency(arm)
    if cpu is not None:
        here, there = (_middle_cost(figures, each) for each in (BASELINE, arm))
        beside = f"middle runs: {here:.0f} and {there:.0f} ms"
        yield f"Processor time for each booking at the peak, by M1's: {format_estimate(cpu)} ({beside})."
    if idle is not None:
        here, there = (_middle_idle(figures, each) for each in (BASELINE, arm))
        beside = f"middle runs: {here:.1f} and {there:.1f} ms"
        yield f"Median latency of scheduling in idle hours, by M1's: {format_estimate(idle)} ({beside})."


def _middle_cost(figures: ReportFigures, arm: str) -> float:
    return median(run.cpu_ms_per_booking or 0.0 for run in figures.peak(arm).values())


def _middle_idle(figures: ReportFigures, arm: str) -> float:
    return median(run.modules["scheduling"].p50_ms or 0.0 for run in figures.idle(arm).values())


def _would_have_done(figures: ReportFigures, remedy: str, words: str, extracted: Sequence[str]) -> Iterator[str]:
    """Who keeps which promise, side by side, in middle runs."""
    kept = {arm: _keeps(figures, arm) for arm in (BASELINE, remedy, *extracted)}
    for arm, modules in kept.items():
        if modules is None:
            yield f"{arm}: no valid run at the peak says so."
        else:
            broken = [module for module in MODULES if module not in modules]
            yield f"{arm} keeps {_list(modules) or 'no promise'}{f'; not {_list(broken)}' if broken else ''}."
    mine = kept[remedy]
    if mine is None or any(kept[arm] is None for arm in extracted):
        yield "So this cannot be said yet."
        return
    yield f"{_conclusion(words, mine, {arm: kept[arm] or [] for arm in extracted})} {_OF_MIDDLE_RUNS}"


def _conclusion(words: str, mine: Sequence[str], its: Mapping[str, Sequence[str]]) -> str:
    more = {arm: [module for module in modules if module not in mine] for arm, modules in its.items()}
    winners = [f"{arm} keeps {_list(modules)} besides" for arm, modules in more.items() if modules]
    extracted = _list(list(its))
    if winners:
        return f"So no: {'; '.join(winners)}."
    if any(its.values()):
        return f"So yes: whatever {extracted} keeps, {words} keeps too, and nothing has to be taken out."
    if mine:
        return f"So yes, as far as anything does: {words} keeps {_list(mine)}, and {extracted} no promise."
    return f"Neither would have: {words} and {extracted} keep no promise at this peak."


def _keeps(figures: ReportFigures, arm: str) -> list[str] | None:
    tails = {module: figures.middle_tail(arm, module) for module in MODULES}
    known = {module: tail for module, tail in tails.items() if tail is not None}
    if not known:
        return None
    return [module for module, tail in known.items() if tail <= figures.thresholds.slo_p99_ms[module]]


def _tail(figures: ReportFigures, module: str, tail: float) -> str:
    if tail >= ERROR_LATENCY_MS:
        return "more than one in a hundred got an error"
    return f"{figures.tail_name(module)} {tail:,.0f} ms"


def _kept(figures: ReportFigures, module: str, tail: float) -> str:
    promise = figures.thresholds.slo_p99_ms[module]
    return f"{'within' if tail <= promise else 'beyond'} the {promise:g} ms it promises"


def _compared(estimate: Estimate) -> str:
    if estimate.low > 1:
        return "longer"
    if estimate.high < 1:
        return "shorter"
    return "these blocks cannot tell them apart"


def _list(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
