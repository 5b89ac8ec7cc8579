"""The end of a run: tables, thresholds, validity, files, and the exit code that follows from them."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from loadtests.generator.junit import CheckedCondition, write_junit
from loadtests.generator.latency_table import format_sessions, format_table, list_errors, summarize
from loadtests.generator.promises import DEFAULT_LIMITS, PromiseLimits, count_sessions, parse_limits
from loadtests.generator.quantities import parse_duration
from loadtests.generator.results import RunDescription, write_run
from loadtests.generator.rows import RequestRow
from loadtests.generator.self_report import GeneratorReport
from loadtests.generator.thresholds import (
    NO_FAILURES,
    Threshold,
    ThresholdResult,
    check_thresholds,
    format_result,
    parse_thresholds,
)
from loadtests.generator.validity import ValidityLimits, describe_generator, find_validity_problems

EXIT_THRESHOLD: Final = 1
EXIT_INVALID: Final = 3
"""Exit code when thresholds were given, but the generator's run is invalid, so that nothing can be claimed."""


class RunClaims(NamedTuple):
    """The conditions that a run must satisfy, and the files for its results."""

    thresholds: Sequence[Threshold] = ()
    promises: PromiseLimits = DEFAULT_LIMITS
    validity: ValidityLimits = ValidityLimits()
    junit: Path | None = None
    results: Path | None = None


class SideRun(NamedTuple):
    """One side as measured; `description.problems` is still empty. The rows' times count from 0 s of the run."""

    description: RunDescription
    report: GeneratorReport
    rows: Sequence[RequestRow]


def parse_claims(
    thresholds: Sequence[str], limits: Sequence[str], max_send_delay: str, junit: str | None, results: str | None
) -> RunClaims:
    """Parse the options that all commands share; empty texts, as of an empty form field, are ignored.

    Raises LoadError.
    """
    return RunClaims(
        parse_thresholds(filter(None, thresholds)),
        parse_limits(filter(None, limits)),
        ValidityLimits(send_delay=parse_duration(max_send_delay)),
        Path(junit) if junit else None,
        Path(results) if results else None,
    )


def report_runs(runs: Sequence[SideRun], claims: RunClaims) -> int:
    """Print the report and write the files; return the exit code.

    0: all thresholds are satisfied. EXIT_THRESHOLD: one is not, or, without thresholds, a request failed. EXIT_INVALID:
    thresholds were given, but the run of a side is invalid. Raises LoadError if a file cannot be written.
    """
    rows = [row for run in runs for row in run.rows]
    _print_tables(rows, claims.promises)
    problems = {run.description.side: _problems(run, claims) for run in runs}
    for run in runs:
        _print_validity(run, problems[run.description.side])
    checked = check_thresholds(claims.thresholds or parse_thresholds([NO_FAILURES]), rows, claims.promises)
    if claims.thresholds:
        _print("\n" + "\n".join(map(format_result, checked)))
    _write_files(runs, problems, checked, claims)
    if claims.thresholds and any(problems.values()):
        _print("no threshold can be claimed, because the generator's run is invalid")
        return EXIT_INVALID
    return 0 if all(result.satisfied for result in checked) else EXIT_THRESHOLD


def _problems(run: SideRun, claims: RunClaims) -> list[str]:
    return find_validity_problems(run.rows, run.report, claims.promises, claims.validity)


def _print_tables(rows: Sequence[RequestRow], promises: PromiseLimits) -> None:
    _print("\n" + format_table(summarize(rows, "module", promises)))
    _print("\n" + format_table(summarize(rows, "journey", promises), "journey"))
    sessions = count_sessions(rows, promises)
    if sessions:
        _print("\n" + format_sessions(sessions))
    _print(
        "\nmilliseconds from the intended start; a dash: too few requests beyond the percentile;\n"
        "∞: no proper response; kept: answered properly within the limit"
    )
    for line in list_errors(rows):
        _print(line)


def _print_validity(run: SideRun, problems: Sequence[str]) -> None:
    side = f"{run.description.side}: " if run.description.side else ""
    _print(f"\n{side}{describe_generator(run.rows, run.report)}")
    for problem in problems:
        _print(f"INVALID: {problem}")


def _write_files(
    runs: Sequence[SideRun], problems: dict[str, list[str]], checked: Sequence[ThresholdResult], claims: RunClaims
) -> None:
    if claims.results is not None:
        for description, report, rows in runs:
            described = msgspec.structs.replace(description, problems=problems[description.side])
            write_run(claims.results / (description.side or "run"), described, report, rows)
    if claims.junit is not None:
        write_junit(claims.junit, "extraction load", [*_validity_cases(problems), *map(_threshold_case, checked)])


def _validity_cases(problems: dict[str, list[str]]) -> list[CheckedCondition]:
    return [
        CheckedCondition(
            f"generator.{side}" if side else "generator", "the generator kept its schedule", "; ".join(found)
        )
        for side, found in problems.items()
    ]


def _threshold_case(result: ThresholdResult) -> CheckedCondition:
    group = f"thresholds.{result.side}" if result.side else "thresholds"
    return CheckedCondition(group, result.expression, "" if result.satisfied else result.figure, result.figure)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
