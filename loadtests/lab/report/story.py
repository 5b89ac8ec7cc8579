"""The report in sentences: the problem, what was tried, why it failed, what the extraction costs."""

from collections.abc import Iterator

from loadtests.lab.planning.arms import ARMS, BASELINE, REPEAT, SERVICE, find_arm
from loadtests.lab.report.figures import ReportFigures
from loadtests.lab.results.model import Trial
from loadtests.lab.verdict.findings import Agreement, ArmFinding, fault_agreements, flood_agreement, format_rate
from loadtests.lab.verdict.verdict import Verdict


def describe_problem(figures: ReportFigures) -> Iterator[str]:
    """Yield sentences about M1 at the forecast."""
    load, demand = figures.scenario.load, figures.scenario.demand
    capacity = figures.capacity(BASELINE)
    if (speed := figures.conditions.speed) is not None:
        yield (
            f"This machine did the reference work at {speed.ratio:.2f} times the speed of the one for which the "
            "scenario was registered, so its forecast and the rates of the other modules are multiplied by that."
        )
    if demand is not None:
        yield (
            f"The forecast is a peak of {load.forecast:.3g} scheduling arrivals a second. With a headroom of "
            f"{load.headroom:g}, an arm must sustain {demand:.3g}/s."
        )
    if capacity is None:
        yield "The capacity of the monolith (M1) is not known yet."
        return
    yield f"The monolith (M1) keeps all promises up to {format_rate(capacity)}."
    broken = figures.first_broken(BASELINE)
    if broken is not None:
        yield f"Beyond that, at {broken.rate:.3g}/s: {_reasons(figures, broken)}."
    if limit := figures.limit(BASELINE):
        yield f"There {limit}."
    if demand is not None:
        yield _problem_in_words(capacity.low >= demand, capacity.high < demand)
    if flooded := _describe_floods(figures, BASELINE):
        yield flooded
    yield from _describe_faults(figures, BASELINE)


def _problem_in_words(sustains: bool, fails: bool) -> str:
    if sustains:
        return "It sustains the demanded rate."
    if fails:
        return "It does not sustain the demanded rate: this is the problem that a remedy has to solve."
    return "Its interval includes the demanded rate, so it is undecided whether the monolith sustains that."


def _describe_floods(figures: ReportFigures, arm: str) -> str:
    found = flood_agreement(figures.record, arm)
    return _describe_agreement(found, "While scheduling was flooded") if found.counted else ""


def _describe_faults(figures: ReportFigures, arm: str) -> Iterator[str]:
    for fault, found in fault_agreements(figures.record, arm).items():
        if found.counted:
            yield _describe_agreement(found, f'During the fault "{fault}"')


def _describe_agreement(found: Agreement, moment: str) -> str:
    text = f"{moment}, the other modules kept their promises in {found.kept} of {found.counted} trials"
    return f"{text} (for example {found.example})." if found.example else f"{text}."


def reason_in_words(figures: ReportFigures, finding: ArmFinding) -> str:
    """Return why an arm does or does not suffice."""
    demand = figures.scenario.demand or 0.0
    capacity, parts = finding.capacity, []
    if capacity is None:
        return finding.text
    if capacity.high < demand:
        parts.append(f"breaks promises below the demanded {demand:.3g}/s")
        broken = figures.first_broken(finding.arm)
        if broken is not None:
            parts.append(_reasons(figures, broken))
        if limit := figures.limit(finding.arm):
            parts.append(limit)
    elif finding.isolated is False:
        flooded = _lower(_describe_floods(figures, finding.arm)).rstrip(".")
        parts.append(f"sustains the demanded rate, but does not isolate: {flooded}")
    elif finding.contained is False:
        failed = "; ".join(_lower(each).rstrip(".") for each in _describe_faults(figures, finding.arm))
        parts.append(f"sustains the demanded rate, but does not contain faults: {failed}")
    elif finding.sufficient:
        parts.append("keeps all promises at the demanded rate")
    else:
        parts.append("open: the interval includes the demanded rate")
    return "; ".join(parts)


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _reasons(figures: ReportFigures, trial: Trial) -> str:
    return "; ".join(figures.record.judge(trial).reasons[:2])


def describe_missing(figures: ReportFigures) -> str:
    """Return a sentence that names the arms that were not measured, with their reasons; empty if all were."""
    by_reason: dict[str, list[str]] = {}
    for arm in ARMS:
        if arm not in figures.arms and not figures.conditions.targets:
            asked = arm in figures.conditions.arms
            reason = "decided before" if asked else figures.conditions.not_measured.get(arm, "not selected")
            by_reason.setdefault(reason, []).append(arm)
    found = "; ".join(f"{', '.join(arms)} ({reason})" for reason, arms in by_reason.items())
    return f"Not measured: {found}." if found else ""


def describe_costs(figures: ReportFigures, verdict: Verdict) -> Iterator[str]:
    """Yield what the extraction costs, also when it is not advised."""
    for cost in verdict.costs:
        judgement = {True: "acceptable", False: "not acceptable", None: "undecided"}[cost.acceptable]
        yield f"{cost.text[0].upper()}{cost.text[1:]}: {judgement}."
    if not verdict.costs:
        yield "The costs were not judged, since the verdict was reached without them."
        return
    yield "Not measured: the work to build and to operate two deployables, and the latency of a network between hosts."


def describe_cause(figures: ReportFigures, verdict: Verdict) -> Iterator[str]:
    """Yield whether the process, the database or both of its own solve the problem."""
    found = {finding.arm: finding for finding in verdict.findings}
    both = "XI" if "XI" in found else SERVICE
    parts = {"a process of its own (MB)": "MB", "a database of its own (MD)": "MD", f"both ({both})": both}
    known = {name: found[arm] for name, arm in parts.items() if arm in found}
    if verdict.outcome != "EXTRACT" or len(known) < 2:
        return
    for name, finding in known.items():
        answer = {True: "suffices", False: "does not suffice", None: "is undecided"}[finding.sufficient]
        yield f"Scheduling with {name} {answer}: {reason_in_words(figures, finding)}."
    if found.get("XI") and found["XI"].sufficient:
        yield (
            "The process and the database solve it together. The HTTP interface of the service is not what solves it: "
            "it is the price of deploying scheduling on its own."
        )


def describe_arms(figures: ReportFigures, verdict: Verdict) -> list[tuple[str, str, str, str, str]]:
    """Return a row for each arm: name, description, capacity, whether it suffices, and why."""
    findings = {finding.arm: finding for finding in verdict.findings}
    rows = []
    for arm in figures.arms:
        if arm in (BASELINE, REPEAT):
            continue
        capacity, finding = figures.capacity(arm), findings.get(arm)
        text = format_rate(capacity) if capacity else "not known"
        answer = {True: "yes", False: "no", None: "undecided"}[finding.sufficient] if finding else ""
        reason = reason_in_words(figures, finding) if finding else figures.limit(arm)
        if arm in figures.beyond_ceiling():
            reason = f"cannot be had by the scenario's ceiling; {reason}"
        rows.append((arm, find_arm(arm).description, text, answer, reason))
    return rows
