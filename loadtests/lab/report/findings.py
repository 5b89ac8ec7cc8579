"""The findings in sentences: the effect of the peak, the effect and cost of each arm, and sufficient remedies."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from loadtests.generator.estimates import Estimate
from loadtests.lab.planning.arms import BASELINE, REPEAT, find_arm
from loadtests.lab.report.figures import ERROR_LATENCY_MS, ReportFigures
from loadtests.lab.results.model import MODULES
from loadtests.lab.verdict.gates import format_estimate

_OTHERS = tuple(module for module in MODULES if module != "scheduling")
_OF_MEDIAN_RUNS = "This compares median runs; the gates show whether the difference is more than noise."
_SHORT_NAMES = {"M2": "a second replica", "MB": "a bulkhead", "MC": "an availability cache"}


def list_findings(figures: ReportFigures) -> Iterator[tuple[str, list[str]]]:
    """Yield headings, each with its sentences."""
    yield "Effect of the peak on the monolith", list(_in_the_monolith(figures))
    others = [arm for arm in figures.arms if arm not in (BASELINE, REPEAT)]
    for arm in others:
        yield f"Effect of {arm}: {find_arm(arm).description}", [*_changes(figures, arm), *_costs(figures, arm)]
    extracted = [arm for arm in others if find_arm(arm).kind == "extracted"]
    for arm in others if extracted else ():
        if find_arm(arm).kind == "remedy":
            name = _SHORT_NAMES.get(arm, arm)
            yield f"Would {name} be sufficient?", list(_sufficiency(figures, arm, name, extracted))


def _in_the_monolith(figures: ReportFigures) -> Iterator[str]:
    for module in ("scheduling", *_OTHERS):
        tail, good = figures.median_tail(BASELINE, module), figures.good_share(BASELINE, module)
        if tail is None or good is None:
            continue
        sentence = f"{module}: {_tail(figures, module, tail)} at the peak, {_slo(figures, module, tail)}. "
        sentence += f"{good:.0%} of the requests were answered within the SLO."
        neighbour = figures.neighbour(BASELINE, module)
        if neighbour is not None and neighbour[1] < ERROR_LATENCY_MS:
            idle, peak = neighbour
            name = figures.neighbour_name(module)
            sentence += f" Its {name} is {peak / idle:.1f} times that of idle hours ({idle:,.0f} to {peak:,.0f} ms)."
        yield sentence


def _changes(figures: ReportFigures, arm: str) -> Iterator[str]:
    for module in (*_OTHERS, "scheduling"):
        estimate, tail = figures.relative_tail(arm, module), figures.median_tail(arm, module)
        if estimate is None or tail is None:
            continue
        yield (
            f"{module}: {_tail(figures, module, tail)}, {_slo(figures, module, tail)}; ratio to M1 "
            f"{format_estimate(estimate)}: {_compared(estimate)}."
        )


def _costs(figures: ReportFigures, arm: str) -> Iterator[str]:
    cpu, idle = figures.cpu_per_booking(arm), figures.idle_latency(arm)
    if cpu is not None:
        baseline, own = (_median_cost(figures, each) for each in (BASELINE, arm))
        medians = f"medians: M1 {baseline:.0f} ms, {arm} {own:.0f} ms"
        yield f"CPU time per booking at the peak, ratio to M1: {format_estimate(cpu)} ({medians})."
    if idle is not None:
        baseline, own = (_median_idle(figures, each) for each in (BASELINE, arm))
        medians = f"medians: M1 {baseline:.1f} ms, {arm} {own:.1f} ms"
        yield f"Median latency of scheduling in idle hours, ratio to M1: {format_estimate(idle)} ({medians})."


def _median_cost(figures: ReportFigures, arm: str) -> float:
    return median(run.cpu_ms_per_booking or 0.0 for run in figures.peak(arm).values())


def _median_idle(figures: ReportFigures, arm: str) -> float:
    return median(run.modules["scheduling"].p50_ms or 0.0 for run in figures.idle(arm).values())


def _sufficiency(figures: ReportFigures, remedy: str, name: str, extracted: Sequence[str]) -> Iterator[str]:
    """Compare the SLOs that M1, the remedy and the extracted arms meet, in median runs."""
    met = {arm: _modules_within_slo(figures, arm) for arm in (BASELINE, remedy, *extracted)}
    for arm, modules in met.items():
        if modules is None:
            yield f"{arm}: unknown, since it has no valid run at the peak."
        else:
            missed = [module for module in MODULES if module not in modules]
            exceptions = f"; not of {_list(missed)}" if missed else ""
            yield f"{arm} meets the SLO of {_list(modules) or 'no module'}{exceptions}."
    of_remedy = met[remedy]
    if of_remedy is None or any(met[arm] is None for arm in extracted):
        yield "This cannot be decided yet."
        return
    yield f"{_conclusion(name, of_remedy, {arm: met[arm] or [] for arm in extracted})} {_OF_MEDIAN_RUNS}"


def _conclusion(name: str, of_remedy: Sequence[str], of_extracted: Mapping[str, Sequence[str]]) -> str:
    more = {arm: [each for each in modules if each not in of_remedy] for arm, modules in of_extracted.items()}
    winners = [f"{arm} also meets the SLO of {_list(modules)}" for arm, modules in more.items() if modules]
    extracted = _list(list(of_extracted))
    if winners:
        return f"No: {'; '.join(winners)}."
    if any(of_extracted.values()):
        return f"Yes: {name} meets every SLO that {extracted} meets, without an extraction."
    if of_remedy:
        return f"Yes, as far as possible: {name} meets the SLO of {_list(of_remedy)}, and {extracted} meets none."
    return f"No, and neither would extraction: {name} and {extracted} meet no SLO at this peak."


def _modules_within_slo(figures: ReportFigures, arm: str) -> list[str] | None:
    tails = {module: figures.median_tail(arm, module) for module in MODULES}
    known = {module: tail for module, tail in tails.items() if tail is not None}
    if not known:
        return None
    return [module for module, tail in known.items() if tail <= figures.thresholds.slo_p99_ms[module]]


def _tail(figures: ReportFigures, module: str, tail: float) -> str:
    if tail >= ERROR_LATENCY_MS:
        return "more than 1 % errors"
    return f"{figures.tail_name(module)} {tail:,.0f} ms"


def _slo(figures: ReportFigures, module: str, tail: float) -> str:
    slo = figures.thresholds.slo_p99_ms[module]
    return f"{'within' if tail <= slo else 'beyond'} its SLO of {slo:g} ms"


def _compared(estimate: Estimate) -> str:
    if estimate.low > 1:
        return "higher"
    if estimate.high < 1:
        return "lower"
    return "no significant difference"


def _list(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
