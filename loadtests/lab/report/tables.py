"""Tables of the report: journeys, roles, service demands, faults and trials. Cells are text that the page escapes."""

from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import NamedTuple

from loadtests.generator.journeys import JOURNEYS
from loadtests.lab.planning.demands import solve_demands
from loadtests.lab.report.figures import ReportFigures
from loadtests.lab.results.model import BlastCell, ModuleResult, Trial


class ReportTable(NamedTuple):
    """`title` is above the table; the first column has the names of the rows."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


_JOURNEY_HEAD = ("journey", "came", "served", "errors", "dropped", "refused", "p50 ms", "p95 ms", "p99 ms")


def journey_tables(figures: ReportFigures) -> list[ReportTable]:
    """Return for each arm the modules and their journeys, at the highest rate at which it kept all promises."""
    found = []
    for arm in figures.arms:
        trial = figures.best_kept(arm)
        if trial is not None:
            rows = [_level_row(name, result) for name, result in _modules_with_journeys(trial)]
            found.append(ReportTable(f"{arm} at {trial.rate:.3g}/s", _JOURNEY_HEAD, rows))
    return found


def _modules_with_journeys(trial: Trial) -> list[tuple[str, ModuleResult]]:
    found = []
    for module, result in trial.modules.items():
        found.append((module, result))
        journeys = {name: each for name, each in trial.journeys.items() if JOURNEYS[name].module == module}
        found += [(f"· {name}", each) for name, each in journeys.items()]
    return found


def _level_row(name: str, result: ModuleResult) -> list[str]:
    served = f"{result.good / result.arrivals:.1%}" if result.arrivals else "-"
    counts = [str(result.errors), str(result.dropped), str(result.conflicts)]
    latencies = [_number(value) for value in (result.p50_ms, result.p95_ms, result.p99_ms)]
    return [name, str(result.arrivals), served, *counts, *latencies]


def role_table(figures: ReportFigures) -> ReportTable:
    """Return the processor time of each role at the highest rate at which its arm kept all promises."""
    rows = []
    for arm in figures.arms:
        trial = figures.best_kept(arm)
        for role, reading in (trial.roles if trial else {}).items():
            assert trial is not None
            cores = reading.cpu_ms / 1000 / trial.seconds
            budget = f"{reading.budget_cores:.2f}" if reading.budget_cores is not None else "-"
            share = f"{reading.used:.0%}" if reading.used is not None else "-"
            rows.append([arm, role, f"{cores:.3f}", budget, share, f"{reading.throttled:.0%}"])
    return ReportTable("", ("arm", "role", "cores used", "budget", "share", "throttled"), rows)


def cost_table(figures: ReportFigures) -> ReportTable:
    """Return what a booking costs in the cost trials, as means over the blocks."""
    rows = []
    for arm in figures.arms:
        trials = [trial for trial in figures.record.of("cost", arm) if trial.valid]
        if trials:
            cells = [_mean(trials, lambda trial: trial.cpu_ms_per_booking)]
            cells.append(_mean(trials, lambda trial: trial.modules["scheduling"].p50_ms))
            rows.append([arm, f"{trials[0].rate:.3g}/s", *cells])
    return ReportTable("", ("arm", "at", "processor time per booking, ms", "median latency of scheduling, ms"), rows)


def _mean(trials: Sequence[Trial], figure: Callable[[Trial], float | None]) -> str:
    known = [value for trial in trials if (value := figure(trial)) is not None]
    return _number(fmean(known)) if known else "not measured"


def demand_table(figures: ReportFigures) -> ReportTable:
    """Return the processor time of one arrival of each journey in each role of M1."""
    trials = figures.record.of("demand", "M1")
    journeys = list(figures.scenario.load.mix)
    demands = solve_demands(trials, journeys)
    roles = list(dict.fromkeys(each.role for each in demands))
    cell = {(each.journey, each.role): f"{each.cpu_ms:.2f}" for each in demands}
    rows = [[journey, *(cell.get((journey, role), "-") for role in roles)] for journey in journeys] if demands else []
    return ReportTable("", ("journey", *(f"{role}, ms" for role in roles)), rows)


def blast_table(figures: ReportFigures) -> ReportTable:
    """Return the share of arrivals not served during each fault, by arm and module.

    Faults that are promised to be contained are measured in the blocks, the others once, if that was asked for.
    """
    cells = [*_cells_of_blocks(figures), *figures.results.blast]
    columns = list(dict.fromkeys((cell.arm, cell.module) for cell in cells))
    faults = list(dict.fromkeys(cell.fault for cell in cells))
    shares = {(cell.fault, cell.arm, cell.module): f"{cell.not_served:.0%}" for cell in reversed(cells)}
    rows = [[fault, *(shares.get((fault, *column), "-") for column in columns)] for fault in faults]
    return ReportTable("", ("fault", *(f"{arm}: {module}" for arm, module in columns)), rows)


def _cells_of_blocks(figures: ReportFigures) -> Iterator[BlastCell]:
    for fault in figures.scenario.promises.contained:
        for arm in figures.arms:
            found = [trial for trial in figures.record.of("containment", arm) if trial.fault == fault and trial.valid]
            for module in found[0].modules if found else ():
                results = [trial.modules[module] for trial in found]
                arrivals = sum(result.arrivals for result in results)
                share = sum(result.missed for result in results) / arrivals if arrivals else 0.0
                yield BlastCell(arm=arm, fault=fault, module=module, not_served=share, arrivals=arrivals)


def trial_table(figures: ReportFigures) -> ReportTable:
    """Return every trial in order of measurement."""
    rows = []
    for trial in figures.record.trials:
        judgement = figures.record.judge(trial)
        counted, reasons = {True: "kept", False: "broken", None: "does not count"}[judgement.kept], judgement.reasons
        if trial.purpose in ("demand", "cost") and trial.valid:
            counted, reasons = "measured", ()
        generator = trial.generator
        late = f"{generator.late_p99_ms:.1f}" if generator else "-"
        busy = f"{generator.cpu:.0%}" if generator else "-"
        speed = f"{trial.speed:.2f}" if trial.speed is not None else "-"
        cells = [trial.stage, trial.arm, trial.purpose, f"{trial.rate:.3g}", counted, "; ".join(reasons)]
        rows.append([*cells, late, busy, speed])
    head = ("stage", "arm", "purpose", "rate", "result", "reasons", "send delay p99, ms", "generator", "speed")
    return ReportTable("", head, rows)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
