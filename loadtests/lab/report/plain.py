"""The results outside the page: lines for a terminal, and JUnit XML for CI."""

from collections.abc import Iterator
from pathlib import Path

from deploy.errors import CommandError
from loadtests.generator.api_client import LoadError
from loadtests.generator.junit import CheckedCondition, write_junit
from loadtests.lab.report.figures import ReportFigures
from loadtests.lab.results.model import Results
from loadtests.lab.verdict.findings import format_rate, format_ratio
from loadtests.lab.verdict.verdict import Verdict


def summarize_lines(results: Results) -> Iterator[str]:
    """Yield each arm's capacity with its ratio to the first arm's, and the map."""
    figures = ReportFigures(results)
    for arm in figures.arms:
        capacity, ratio = figures.capacity(arm), figures.ratio(arm)
        if capacity is not None:
            relative = f"; ratio to {figures.standard} {format_ratio(ratio)}" if ratio else ""
            yield f"{arm}: {format_rate(capacity)}{relative}"
    if spread := figures.spread_of_repeats():
        yield spread
    for name, segments in figures.maps().items():
        if segments:
            yield (
                f"of the arms on which {figures.isolation_promises()}:"
                if name == "isolated"
                else "the least work at every rate, by capacity alone:"
            )
        yield from (f"  {segment.as_text()}" for segment in segments)


def write_gates(path: Path, results: Results, verdict: Verdict) -> None:
    """Write a test case for each gate and for the verdict; one that is undecided is a failure. Raises CommandError."""
    gates = [
        CheckedCondition("gates", gate.name, "" if gate.passed is not None else f"undecided: {gate.text}", gate.text)
        for gate in verdict.gates
    ]
    decided = verdict.outcome in ("EXTRACT", "DON'T EXTRACT")
    text = f"{verdict.outcome}: {verdict.because}"
    answer = CheckedCondition("verdict", "the question is decided", "" if decided else text, text)
    try:
        write_junit(path, f"extraction lab, commit {results.conditions.commit}", [*gates, answer])
    except LoadError as error:
        raise CommandError(str(error)) from error
