"""When a generator's run is invalid: late, interrupted, saturated, or with its own limits in the way."""

from loadtests.generator.promises import DEFAULT_LIMITS
from loadtests.generator.rows import RequestRow
from loadtests.generator.self_report import GeneratorReport
from loadtests.generator.validity import ValidityLimits, find_validity_problems, merge_reports
from tests.unit.loadtests.generator.measured import rows


def report(planned: int = 100, **changes: object) -> GeneratorReport:
    given = {"planned": planned, "began": 5.0, "seconds": 10.0, "cpu": 0.2, "in_flight": 1.0, "complete": True}
    return GeneratorReport(**{**given, **changes})  # type: ignore[arg-type]


def problems(measured: list[RequestRow], of: GeneratorReport) -> list[str]:
    return find_validity_problems(measured, of, DEFAULT_LIMITS, ValidityLimits())


def test_run_that_kept_its_schedule_is_valid() -> None:
    assert problems(rows([10.0] * 100), report()) == []
    assert problems(rows([10.0] * 98), report(skipped=2)) == []


def test_late_generator_is_invalid() -> None:
    measured = [*rows([10.0] * 98), *rows([30.0] * 2, delay=0.0201)]
    (problem,) = problems(measured, report(98))
    assert problem == "the generator was late: p99 of its send delay was 20.1 ms, above the limit of 5 ms"


def test_saturated_core_is_invalid() -> None:
    (problem,) = problems(rows([10.0] * 100), report(cpu=0.86))
    assert problem == "the generator used 86% of its core, above the limit of 85%"


def test_arrivals_without_rows_are_invalid() -> None:
    """A worker that is lost during the run leaves such a gap."""
    assert problems(rows([10.0] * 60), report()) == ["40 of 100 planned arrivals left no row"]


def test_interrupted_run_is_invalid() -> None:
    assert problems(rows([10.0] * 60), report(complete=False)) == ["the run was interrupted"]


def test_drops_are_the_generators_fault_only_while_the_system_kept_up() -> None:
    dropped = rows([0.0] * 10, "dropped")
    (problem,) = problems([*dropped, *rows([10.0] * 90)], report(90))
    assert problem.startswith("the generator dropped 10.0% of the requests by its own limits, although")
    assert problems([*dropped, *rows([9_000.0] * 90)], report(90)) == []


def test_workers_are_reported_as_one_generator() -> None:
    merged = merge_reports([report(60, cpu=0.3, skipped=1), report(40, cpu=0.7, began=4.0, skipped=2)])
    assert (merged.planned, merged.cpu, merged.began, merged.skipped) == (100, 0.7, 4.0, 3)
    assert not merge_reports([report(), report(complete=False)]).complete
    assert not merge_reports([]).complete
