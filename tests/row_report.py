"""Reports the result of each row of the tables of faults and hostile inputs.

A test names its rows: `@pytest.mark.row("F6", "F18")`. With `--rows-page=FILE` the run writes a page with every row,
its tests, their results and times. A row without a test in the run is shown as not run, one with a skipped test as
passed in part.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.faults.rows import FAULTS, HOSTILE_INPUTS, ROWS

OPTION = "--rows-page"
INTRODUCTION = """\
# Faults and hostile inputs

Written by `make faults`. Each row is proved by the tests that it names, against real servers, processes and sockets.
The time of a test includes all of its cases. "Ledger" means: a client records every acknowledged result, and afterwards
each of them is in the owning database exactly once, none overlaps another, and nothing is there that no client
requested.
"""


@dataclass(frozen=True)
class Result:
    """The result of one test: `passed`, `failed` or `skipped`, and its time in seconds with set-up and tear-down."""

    outcome: str
    seconds: float


class RowReport:
    """Collects the results of tests that name rows, and writes the page. One per run, also with several workers."""

    def __init__(self, page: Path | None) -> None:
        self._page = page
        self._tests: dict[str, Result] = {}
        self._rows: dict[str, set[str]] = defaultdict(set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a report. A test has failed if its set-up, call or tear-down has."""
        rows = [value for name, value in report.user_properties if name == "row"]
        if not rows:
            return
        test = report.nodeid.split("[")[0]
        before = self._tests.get(test, Result("passed", 0.0))
        outcome = max(before.outcome, report.outcome, key=["passed", "skipped", "failed"].index)
        self._tests[test] = Result(outcome, before.seconds + report.duration)
        for row in rows:
            self._rows[str(row)].add(test)

    def pytest_sessionfinish(self) -> None:
        """Write the page, if one was requested."""
        if self._page:
            self._page.write_text(self._text(), encoding="utf-8")

    def _text(self) -> str:
        passed = sum(1 for row in ROWS if self._state(row) == "passed")
        summary = f"{datetime.now(UTC):%Y-%m-%d}: {passed} of {len(ROWS)} rows passed."
        tables = self._table("Faults", FAULTS) + self._table("Hostile inputs", HOSTILE_INPUTS)
        return "\n".join([INTRODUCTION, summary, *tables, ""])

    def _table(self, title: str, rows: dict[str, tuple[str, str]]) -> list[str]:
        head = [
            "",
            f"## {title}",
            "",
            "| row | what happens | outcome | result | tests |",
            "| --- | --- | --- | --- | --- |",
        ]
        return head + [
            f"| {row} | {cause} | {outcome} | {self._state(row)} | {self._tests_of(row)} |"
            for row, (cause, outcome) in rows.items()
        ]

    def _state(self, row: str) -> str:
        outcomes = {self._tests[test].outcome for test in self._rows[row]}
        if outcomes == {"passed", "skipped"}:
            return "passed in part"
        return next((state for state in ("failed", "passed", "skipped") if state in outcomes), "not run")

    def _tests_of(self, row: str) -> str:
        return "<br>".join(
            f"`{test.removeprefix('tests/')}` {self._time_of(self._tests[test])}" for test in sorted(self._rows[row])
        )

    def _time_of(self, result: Result) -> str:
        return "skipped" if result.outcome == "skipped" else f"{result.seconds:.1f} s"


def add_option(parser: pytest.Parser) -> None:
    """Add the option that requests the page."""
    parser.addoption(OPTION, type=Path, help="write the results of the rows of faults and hostile inputs to this page")


def register(config: pytest.Config) -> None:
    """Collect results in the process that started the run."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(RowReport(config.getoption(OPTION)), "row-report")


def attach_rows(item: pytest.Item) -> None:
    """Attach the rows of a test to its reports, which is how they reach the process that started the run.

    Raises:
        pytest.UsageError: the test names a row that does not exist.
    """
    for mark in item.iter_markers("row"):
        for row in mark.args:
            if row not in ROWS:
                raise pytest.UsageError(f"{item.nodeid} names row {row}, which is not in tests/faults/rows.py")
            item.user_properties.append(("row", row))
