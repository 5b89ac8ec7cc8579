"""Comparisons of two results: planted differences are found, absent ones are not, and invalid runs claim nothing."""

import random
from pathlib import Path
from xml.etree import ElementTree

import pytest

from loadtests.generator.api_client import LoadError
from loadtests.generator.compare_results import Tolerances, compare, compare_runs
from loadtests.generator.promises import DEFAULT_LIMITS
from loadtests.generator.results import RunDescription, StoredRun, read_runs, write_run
from loadtests.generator.rows import RequestOutcome, RequestRow
from loadtests.generator.self_report import GeneratorReport
from tests.unit.loadtests.generator.measured import row

SECONDS = 20.0
REPORT = GeneratorReport(planned=1, began=0.0, seconds=SECONDS, cpu=0.1, in_flight=1.0, complete=True)
JOURNEYS = {"scheduling": "search", "auth": "me", "billing": "prices", "notifications": "preferences"}


def describe(side: str = "http", **changes: object) -> RunDescription:
    given = {
        "scenario": "steady",
        "rate": 60.0,
        "seconds": SECONDS,
        "seed": 1,
        "journeys": ["search"],
        "host": "http://a",
    }
    return RunDescription(**{"side": side, **given, **changes})  # type: ignore[arg-type]


def measured(
    seed: int, factor: float = 1.0, failing: float = 0.0, outcome: RequestOutcome = "error", number: int = 400
) -> list[RequestRow]:
    """Return rows of four modules; scheduling is slower by the factor, and a share of its requests fails."""
    chance = random.Random(seed)
    return [
        row(
            10.0 * chance.lognormvariate(0, 0.4) * (factor if module == "scheduling" else 1),
            outcome if module == "scheduling" and chance.random() < failing else "ok",
            module=module,
            journey=journey,
            due=arrival * SECONDS / number,
            arrival=arrival,
        )
        for module, journey in JOURNEYS.items()
        for arrival in range(number)
    ]


def run_of(rows: list[RequestRow], **changes: object) -> StoredRun:
    return StoredRun(Path(), describe(**changes), REPORT, rows)  # type: ignore[arg-type]


def worse(one: list[RequestRow], other: list[RequestRow]) -> list[tuple[str, str]]:
    found = compare_runs(run_of(one), run_of(other), DEFAULT_LIMITS, Tolerances())
    return [(line.module, line.figure) for line in found if line.judgement == "WORSE"]


def test_planted_slowness_is_found_in_its_module() -> None:
    assert worse(measured(1), measured(2, factor=1.4)) == [("scheduling", "latency")]


def test_planted_failures_and_conflicts_are_found() -> None:
    assert worse(measured(1), measured(2, failing=0.2)) == [("scheduling", "kept")]
    assert worse(measured(1), measured(2, failing=0.2, outcome="conflict")) == [("scheduling", "conflicts")]


def test_improvement_is_not_worse() -> None:
    assert worse(measured(1, factor=1.4, failing=0.2), measured(2)) == []


def test_equal_systems_are_rarely_worse() -> None:
    """Without a tolerance, about 5 of 100 comparisons are wrong, each of 12 judgements."""
    strict = Tolerances(latency=1.0, points=0.0)
    wrong = 0
    for seed in range(100):
        one, other = run_of(measured(2 * seed, number=100)), run_of(measured(2 * seed + 1, number=100))
        found = compare_runs(one, other, DEFAULT_LIMITS, strict)
        wrong += any(line.judgement == "WORSE" for line in found)
    assert wrong <= 8


def test_module_with_few_requests_is_unknown() -> None:
    found = compare_runs(run_of(measured(1, number=40)), run_of(measured(2, number=40)), DEFAULT_LIMITS, Tolerances())
    assert {line.judgement for line in found} == {"unknown"}


@pytest.mark.parametrize(
    "other, changes, code",
    [
        (measured(2), {}, 0),
        (measured(2, factor=1.4), {}, 1),
        (measured(2, factor=1.4), {"problems": ["the run was interrupted"]}, 3),
        (measured(2, number=40), {}, 3),
    ],
)
def test_exit_code_and_junit_of_stored_results(
    tmp_path: Path, other: list[RequestRow], changes: dict[str, object], code: int
) -> None:
    write_run(tmp_path / "A" / "http", describe(), REPORT, measured(1, number=40 if len(other) < 400 else 400))
    write_run(tmp_path / "B" / "http", describe(**changes), REPORT, other)  # type: ignore[arg-type]
    junit = tmp_path / "junit.xml"
    assert compare(tmp_path / "A", tmp_path / "B", DEFAULT_LIMITS, Tolerances(), junit) == code
    failures = ElementTree.parse(junit).getroot().findall(".//failure")
    assert bool(failures) is bool(code)


def test_stored_run_reads_as_written(tmp_path: Path) -> None:
    rows = measured(1, number=5)
    write_run(tmp_path / "http", describe(), REPORT, rows)
    (run,) = read_runs(tmp_path)
    assert (run.description, run.report) == (describe(), REPORT)
    assert [(found.journey, round(found.due, 6), found.arrival) for found in run.rows] == [
        (row.journey, round(row.due, 6), row.arrival) for row in rows
    ]


def test_two_sides_of_one_result_can_be_compared(tmp_path: Path) -> None:
    write_run(tmp_path / "in_process", describe("in_process"), REPORT, measured(1))
    write_run(tmp_path / "http", describe("http"), REPORT, measured(2))
    assert compare(tmp_path / "in_process", tmp_path / "http", DEFAULT_LIMITS, Tolerances(), None) == 0


@pytest.mark.parametrize(
    "side, changes, message",
    [
        ("http", {"seed": 2, "rate": 30.0}, "different schedules: rate 60.0 and 30.0; seed 1 and 2"),
        ("other", {}, "no side in common"),
    ],
)
def test_results_that_are_not_comparable_are_refused(
    tmp_path: Path, side: str, changes: dict[str, object], message: str
) -> None:
    for name in ("http", "in_process"):
        write_run(tmp_path / "A" / name, describe(name), REPORT, [row()])
    write_run(tmp_path / "B" / "one", describe(side, **changes), REPORT, [row()])
    write_run(tmp_path / "B" / "two", describe("unlike"), REPORT, [row()])
    with pytest.raises(LoadError, match=message):
        compare(tmp_path / "A", tmp_path / "B", DEFAULT_LIMITS, Tolerances(), None)


def test_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="has no results: `extraction load --results"):
        read_runs(tmp_path)
