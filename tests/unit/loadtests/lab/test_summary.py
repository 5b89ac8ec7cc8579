"""Summaries of rows, and every reason why a trial does not count."""

from dataclasses import dataclass, replace

import pytest

from loadtests.generator.rows import RequestRow
from loadtests.generator.self_report import GeneratorReport
from loadtests.lab.results.summary import find_problems, summarize_generator, summarize_modules
from tests.unit.loadtests.lab.laboratories import THRESHOLDS

SECONDS, RATE, SERVICE = 20.0, 20, 0.05


@dataclass(frozen=True)
class SimulatedRun:
    """A valid run, except for the planted defect."""

    late: float = 0.0005
    dropped_of: int = 0
    cpu: float = 0.3
    lost: bool = False
    slow_at_first: bool = False
    service: float = SERVICE
    complete: bool = True

    def rows(self) -> list[RequestRow]:
        found = []
        for number in range(int(SECONDS * RATE)):
            due = number / RATE
            service = 1.0 if self.slow_at_first and due < 1.5 else self.service
            if self.dropped_of and number % self.dropped_of == 0:
                found.append(RequestRow("M1", "scheduling", "search", due, due, due, "dropped"))
            else:
                sent = due + self.late
                found.append(RequestRow("M1", "scheduling", "search", due, sent, sent + service, "ok", 200))
        return found

    def problems(self) -> list[str]:
        rows = self.rows()
        under_way = sum(row.answered - row.sent for row in rows) / SECONDS + (5.0 if self.lost else 0.0)
        report = GeneratorReport(
            planned=len(rows), began=0.0, seconds=SECONDS, cpu=self.cpu, in_flight=under_way, complete=self.complete
        )
        return _problems(rows, report)


def _problems(rows: list[RequestRow], report: GeneratorReport) -> list[str]:
    limits_ms = {"scheduling": 500.0}
    generator = summarize_generator(rows, report)
    return find_problems(rows, generator, report.complete, THRESHOLDS.validity, limits_ms)


def test_valid_run_has_no_problems() -> None:
    assert SimulatedRun().problems() == []


def test_overloaded_servers_do_not_make_a_run_invalid() -> None:
    overloaded = SimulatedRun(dropped_of=3, service=2.0)
    assert overloaded.problems() == []
    assert summarize_modules(overloaded.rows(), {})["scheduling"].dropped == 134


def test_errors_and_drops_are_arrivals_that_were_not_answered() -> None:
    """There is no share of errors up to which they do not matter, and from which on they are all that does."""
    rows = SimulatedRun().rows()
    for errors in (0, 1, 3, 4, 5, 40):
        failed = [row._replace(outcome="error", status=503) if n < errors else row for n, row in enumerate(rows)]
        assert summarize_modules(failed, {"scheduling": 500.0})["scheduling"].missed == errors
    dropped = RequestRow("M1", "scheduling", "search", 9.0, 9.0, 9.0, "dropped")
    found = summarize_modules([*rows, *[dropped] * 40], {"scheduling": 500.0})["scheduling"]
    assert (found.missed, found.dropped) == (40, 40)


@pytest.mark.parametrize(
    "planted, problem",
    [
        (SimulatedRun(late=0.05), "the generator was late"),
        (SimulatedRun(dropped_of=3), "were dropped"),
        (SimulatedRun(cpu=0.97), "97% of its core"),
        (SimulatedRun(lost=True), "rows are missing"),
        (SimulatedRun(slow_at_first=True), "the warm-up was too short"),
        (SimulatedRun(complete=False), "interrupted"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_defect_makes_a_run_invalid(planted: SimulatedRun, problem: str) -> None:
    [found] = planted.problems()
    assert problem in found


def test_burst_at_the_beginning_is_not_an_insufficient_warm_up() -> None:
    """Near its capacity an arm has slow and fast seconds: thirty searches are compared with all others, not with the
    next thirty."""
    rows = [
        row if row.due >= 3 else row._replace(answered=row.sent + SERVICE / (1 if row.due < 1.5 else 3))
        for row in SimulatedRun().rows()
    ]
    report = GeneratorReport(planned=len(rows), began=0.0, seconds=SECONDS, cpu=0.3, in_flight=1.0, complete=True)
    assert _problems(rows, report) == []


def test_stall_of_the_generator_is_reported_as_lateness() -> None:
    """Requests due during the stall were sent at its end."""
    rows = [
        row if not 5 <= row.due < 7 else row._replace(sent=7.0, answered=7.0 + SERVICE) for row in SimulatedRun().rows()
    ]
    report = GeneratorReport(planned=len(rows), began=0.0, seconds=SECONDS, cpu=0.3, in_flight=1.0, complete=True)
    problems = _problems(rows, report)
    assert any("the generator was late" in problem for problem in problems)


def test_figures_of_a_module() -> None:
    rows = [
        row if number % 10 else row._replace(outcome="conflict") for number, row in enumerate(SimulatedRun().rows())
    ]
    rows[1] = rows[1]._replace(outcome="error", status=503)
    found = summarize_modules(rows, {"scheduling": 40.0})["scheduling"]
    assert (found.arrivals, found.errors, found.conflicts, found.dropped, found.good) == (400, 1, 40, 0, 0)
    assert found.p50_ms == pytest.approx(50.5)
    assert found.p99_ms == pytest.approx(50.5)
    assert summarize_modules(rows, {"scheduling": 60.0})["scheduling"].good == 399


def test_percentile_is_unknown_with_fewer_than_two_rows_beyond_it() -> None:
    rows = replace(SimulatedRun()).rows()[:100]
    found = summarize_modules(rows, {})["scheduling"]
    assert found.p95_ms is not None
    assert found.p99_ms is None
