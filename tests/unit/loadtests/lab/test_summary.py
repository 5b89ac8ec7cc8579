"""From rows to figures, and every reason not to believe a run: each planted, each found."""

from dataclasses import dataclass, replace

import pytest

from loadtests.generator.latency_table import RequestRow
from loadtests.generator.self_report import REQUEST_TIMEOUT_SECONDS, GeneratorReport
from loadtests.lab.results.summary import find_problems, summarize_generator, summarize_modules
from tests.unit.loadtests.lab.example_runs import THRESHOLDS

SECONDS, RATE, SERVICE = 20.0, 20, 0.05


@dataclass(frozen=True)
class Hour:
    """A run in which nothing is wrong, but for what is planted."""

    late: float = 0.0005
    dropped_of: int = 0
    cpu: float = 0.3
    lost: bool = False
    slow_at_first: bool = False
    service: float = SERVICE
    complete: bool = True

    def rows(self) -> list[RequestRow]:
        found = []
        for place in range(int(SECONDS * RATE)):
            due = place / RATE
            service = 1.0 if self.slow_at_first and due < 1.5 else self.service
            if self.dropped_of and place % self.dropped_of == 0:
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
        return find_problems(rows, summarize_generator(rows, report), report.complete, THRESHOLDS)


def test_a_good_run_has_no_problem() -> None:
    assert Hour().problems() == []


def test_servers_that_have_no_room_for_more_do_not_make_a_run_unbelievable() -> None:
    overloaded = Hour(dropped_of=3, service=2.0)
    assert overloaded.problems() == []
    assert summarize_modules(overloaded.rows(), {})["scheduling"].dropped == 134


def test_whoever_was_dropped_waited_no_less_than_the_longest_that_was_answered() -> None:
    """Else an arm that turns people away would look the faster for it."""
    rows = [row if row.outcome == "dropped" or row.due else row._replace(answered=7.0) for row in Hour().rows()]
    longest = 7_000.0
    alone = summarize_modules(rows, {})["scheduling"]
    assert alone.p95_ms == pytest.approx(50.5)
    dropped = RequestRow("M1", "scheduling", "search", 9.0, 9.0, 9.0, "dropped")
    beside = summarize_modules([*rows, *[dropped] * 40], {})["scheduling"]
    assert (beside.p95_ms, beside.p99_ms) == (longest, longest)
    nobody = summarize_modules([dropped] * 400, {})["scheduling"]
    assert nobody.p99_ms == REQUEST_TIMEOUT_SECONDS * 1000


@pytest.mark.parametrize(
    "planted, words",
    [
        (Hour(late=0.05), "the generator was late"),
        (Hour(dropped_of=3), "were dropped"),
        (Hour(cpu=0.97), "97% of its core"),
        (Hour(lost=True), "some are missing"),
        (Hour(slow_at_first=True), "it was not warm"),
        (Hour(complete=False), "interrupted"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_reason_not_to_believe_a_run(planted: Hour, words: str) -> None:
    [problem] = planted.problems()
    assert words in problem


def test_a_stall_of_the_generator_is_lateness_not_latency_of_the_server() -> None:
    """Who was due in the stall left at its end: the run is refused, whatever the percentiles say."""
    rows = [row if not 5 <= row.due < 7 else row._replace(sent=7.0, answered=7.0 + SERVICE) for row in Hour().rows()]
    report = GeneratorReport(planned=len(rows), began=0.0, seconds=SECONDS, cpu=0.3, in_flight=1.0, complete=True)
    problems = find_problems(rows, summarize_generator(rows, report), True, THRESHOLDS)
    assert any("the generator was late" in problem for problem in problems)


def test_figures_of_a_module() -> None:
    rows = [row if place % 10 else row._replace(outcome="conflict") for place, row in enumerate(Hour().rows())]
    rows[1] = rows[1]._replace(outcome="error", status=503)
    found = summarize_modules(rows, {"scheduling": 40.0})["scheduling"]
    assert (found.arrivals, found.errors, found.conflicts, found.dropped, found.good) == (400, 1, 40, 0, 0)
    assert found.p50_ms == pytest.approx(50.5)
    assert found.p99_ms == pytest.approx(50.5)
    assert summarize_modules(rows, {"scheduling": 60.0})["scheduling"].good == 399


def test_a_percentile_that_two_people_lie_beyond_or_none() -> None:
    rows = replace(Hour()).rows()[:100]
    found = summarize_modules(rows, {})["scheduling"]
    assert found.p95_ms is not None
    assert found.p99_ms is None
