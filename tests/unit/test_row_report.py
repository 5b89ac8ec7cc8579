"""The page that `make faults` writes."""

from pathlib import Path
from typing import Literal

import pytest

from tests.row_report import RowReport


def _report(test: str, outcome: Literal["passed", "failed", "skipped"], *rows: str) -> pytest.TestReport:
    properties: list[tuple[str, object]] = [("row", row) for row in rows]
    return pytest.TestReport(test, (test, 1, test), {}, outcome, None, "call", duration=1.5, user_properties=properties)


def _line(page: Path, row: str) -> list[str]:
    [line] = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {row} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_row_has_the_worst_result_and_the_whole_time_of_its_tests(tmp_path: Path) -> None:
    report = RowReport(tmp_path / "rows.md")
    report.pytest_runtest_logreport(_report("tests/test_a.py::test_one[1]", "failed", "F6"))
    report.pytest_runtest_logreport(_report("tests/test_a.py::test_one[2]", "passed", "F6"))
    report.pytest_runtest_logreport(_report("tests/test_b.py::test_two", "passed", "F6", "H3"))
    report.pytest_sessionfinish()
    assert _line(tmp_path / "rows.md", "F6")[3:] == [
        "failed",
        "`test_a.py::test_one` 3.0 s<br>`test_b.py::test_two` 1.5 s",
    ]
    assert _line(tmp_path / "rows.md", "H3")[3] == "passed"


def test_row_with_a_skipped_test_has_passed_in_part(tmp_path: Path) -> None:
    report = RowReport(tmp_path / "rows.md")
    report.pytest_runtest_logreport(_report("tests/test_a.py::test_one", "passed", "F6"))
    report.pytest_runtest_logreport(_report("tests/test_b.py::test_two", "skipped", "F6"))
    report.pytest_sessionfinish()
    assert _line(tmp_path / "rows.md", "F6")[3:] == [
        "passed in part",
        "`test_a.py::test_one` 1.5 s<br>`test_b.py::test_two` skipped",
    ]
    assert "0 of 92 rows passed" in (tmp_path / "rows.md").read_text(encoding="utf-8")


def test_row_without_a_result_is_not_run_and_a_skipped_one_has_not_passed(tmp_path: Path) -> None:
    report = RowReport(tmp_path / "rows.md")
    report.pytest_runtest_logreport(_report("tests/test_a.py::test_one", "skipped", "F7"))
    report.pytest_sessionfinish()
    assert _line(tmp_path / "rows.md", "F7")[3] == "skipped"
    assert _line(tmp_path / "rows.md", "F8")[3:] == ["not run", ""]
    assert "0 of 92 rows passed" in (tmp_path / "rows.md").read_text(encoding="utf-8")
