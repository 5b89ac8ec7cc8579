"""From a raw reading to a trial: the figures of each module, and the reasons why the trial does not count."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from loadtests.generator.estimates import known_percentile, percentile
from loadtests.generator.rows import RequestRow
from loadtests.generator.self_report import GeneratorReport
from loadtests.lab.measuring.subject import Load, Reading
from loadtests.lab.results.model import MODULES, Generator, ModuleResult, Purpose, Trial
from loadtests.lab.verdict.thresholds import ValidityRules

_WARM_UP_ROWS = 30
_WRITES = ("book", "hold", "reschedule")
"""Journeys that choose a listed slot, and can find it gone."""
_BOOKINGS = ("book", "confirm")


class TrialPlan(NamedTuple):
    """The place of a trial in its laboratory, as in `Trial`."""

    stage: str
    place: int
    block: int
    arm: str
    purpose: Purpose
    partner: str = ""


def summarize_trial(plan: TrialPlan, load: Load, reading: Reading, rules: ValidityRules) -> Trial:
    """Summarize a reading; problems of the generator and violations of correctness make the trial invalid."""
    every = [row.as_row(plan.arm) for row in reading.rows]
    counted = [row for row in every if row.due >= 0]
    limits = load.scenario.promises.limits_ms
    generator = summarize_generator(every, reading.generator)
    writes = [row for row in counted if row.journey in _WRITES and row.outcome in ("ok", "conflict")]
    return Trial(
        **plan._asdict(),
        rate=load.rate,
        seconds=load.seconds,
        seed=load.seed,
        modules=summarize_modules(counted, limits),
        journeys=_summarize_journeys(counted, limits),
        bookings=sum(row.journey in _BOOKINGS and row.outcome == "ok" for row in counted),
        writes=len(writes),
        refused=sum(row.outcome == "conflict" for row in writes),
        roles=reading.roles,
        statements=reading.statements,
        freshness=reading.freshness,
        web_cpu_ms=reading.web_cpu_ms,
        pool_wait_ms=reading.pool_wait_ms,
        speed=reading.speed,
        ended_early=reading.generator.ended_early,
        fault=load.fault,
        generator=generator,
        problems=(*find_problems(every, generator, reading.generator.complete, rules, limits), *reading.violations),
    )


def summarize_modules(rows: Sequence[RequestRow], limits_ms: Mapping[str, float]) -> dict[str, ModuleResult]:
    """Summarize the rows of one trial, without its warm-up, by module."""
    return {
        module: summarize_rows([row for row in rows if row.module == module], limits_ms.get(module, float("inf")))
        for module in MODULES
    }


def _summarize_journeys(rows: Sequence[RequestRow], limits_ms: Mapping[str, float]) -> dict[str, ModuleResult]:
    journeys = dict.fromkeys(row.journey for row in rows)
    return {
        journey: summarize_rows(mine, limits_ms.get(mine[0].module, float("inf")))
        for journey in journeys
        if (mine := [row for row in rows if row.journey == journey])
    }


def summarize_generator(rows: Sequence[RequestRow], report: GeneratorReport) -> Generator:
    """Summarize the generator; `rows` include the warm-up, some of which may still be in flight at 0 s."""
    measured = [row for row in rows if row.due >= 0]
    sent = [row for row in measured if row.outcome != "dropped"]
    late = [row.sent - row.due for row in sent]
    seconds = max(report.seconds, 1e-9)
    in_flight_seconds = sum(max(0.0, min(row.answered, seconds) - max(row.sent, 0.0)) for row in rows)
    return Generator(
        late_p99_ms=percentile(late, 0.99) * 1000 if late else 0.0,
        dropped_share=1 - len(sent) / len(measured) if measured else 0.0,
        cpu=report.cpu,
        in_flight=report.in_flight,
        in_flight_by_rows=in_flight_seconds / seconds,
    )


def find_problems(
    rows: Sequence[RequestRow],
    generator: Generator,
    complete: bool,
    limits: ValidityRules,
    limits_ms: Mapping[str, float],
) -> list[str]:
    """Return the reasons why the trial does not count, one sentence each; empty for a valid trial."""
    found = []
    if not complete:
        found.append("the trial was interrupted")
    if generator.late_p99_ms > limits.most_late_ms:
        found.append(
            f"the generator was late: p99 of the send delay was {generator.late_p99_ms:.1f} ms, "
            f"above the limit of {limits.most_late_ms:g} ms"
        )
    if generator.dropped_share > limits.most_dropped_share and _servers_kept_up(rows, limits_ms):
        found.append(
            f"{generator.dropped_share:.0%} of the arrivals were dropped although most concurrent requests were "
            "answered within the limit: the generator's limit of in-flight requests is too low for this rate"
        )
    if generator.cpu > limits.most_cpu:
        found.append(f"the generator used {generator.cpu:.0%} of its core, above the limit of {limits.most_cpu:.0%}")
    sampled, computed = generator.in_flight, generator.in_flight_by_rows
    if abs(sampled - computed) > max(1.0, limits.little * max(sampled, computed)):
        found.append(
            f"on average {sampled:.1f} requests were in flight, but the rows account for {computed:.1f}: "
            "rows are missing"
        )
    if problem := _insufficient_warm_up(rows, limits.steady):
        found.append(problem)
    return found


def _servers_kept_up(rows: Sequence[RequestRow], limits_ms: Mapping[str, float]) -> bool:
    """Return whether most requests of the seconds with drops were answered in time; if not, the servers were
    overloaded, and the drops belong to their result."""
    crowded = {(row.module, int(row.due)) for row in rows if row.outcome == "dropped"}
    concurrent = [row for row in rows if row.outcome in ("ok", "conflict") and (row.module, int(row.due)) in crowded]
    in_time = sum(row.latency * 1000 <= limits_ms.get(row.module, float("inf")) for row in concurrent)
    return in_time > len(concurrent) / 2


def summarize_rows(rows: Sequence[RequestRow], limit_ms: float) -> ModuleResult:
    """Summarize arrivals that share a limit: errors and drops are arrivals that were not answered."""
    answers = [row.latency * 1000 for row in rows if row.outcome in ("ok", "conflict")]
    return ModuleResult(
        arrivals=len(rows),
        errors=sum(row.outcome == "error" for row in rows),
        dropped=sum(row.outcome == "dropped" for row in rows),
        conflicts=sum(row.outcome == "conflict" for row in rows),
        p50_ms=known_percentile(answers, 0.5),
        p95_ms=known_percentile(answers, 0.95),
        p99_ms=known_percentile(answers, 0.99),
        good=sum(milliseconds <= limit_ms for milliseconds in answers),
    )


def _insufficient_warm_up(rows: Sequence[RequestRow], max_ratio: float) -> str:
    """Return a problem when the first searches of the trial were slower than the following ones, else an empty text."""
    searches = [row.latency for row in rows if row.journey == "search" and row.outcome == "ok" and row.due >= 0]
    first, then = searches[:_WARM_UP_ROWS], searches[_WARM_UP_ROWS:]
    if len(then) < _WARM_UP_ROWS or median(first) <= max_ratio * median(then):
        return ""
    return (
        f"the warm-up was too short: the median of the first {_WARM_UP_ROWS} searches was "
        f"{median(first) * 1000:.1f} ms, that of the others was {median(then) * 1000:.1f} ms"
    )
