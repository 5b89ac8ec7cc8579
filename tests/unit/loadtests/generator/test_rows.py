"""Raw rows come back as they were written, and a file that holds none is one line."""

from pathlib import Path

import pytest

from loadtests.generator.latency_table import RequestRow
from loadtests.generator.rows import RowsError, RowWriter, read_rows, without_warm_up

BOOKED = {"appointment_id": "a1", "version": 2, "status": "booked"}


def written(path: Path) -> Path:
    with path.open("w", newline="") as file:
        writer = RowWriter(file)
        writer.add(RequestRow("", "auth", "me", 99.0, 99.001, 99.2, "ok", 200), {}, began=100.0)
        writer.add(RequestRow("", "scheduling", "book", 101.0, 101.5, 102.0, "ok", 201), BOOKED, began=100.0)
        writer.add(RequestRow("", "scheduling", "book", 103.0, 103.0, 103.0, "dropped"), {}, began=100.0)
    return path


def test_times_count_from_0_s_and_a_write_keeps_what_was_told(tmp_path: Path) -> None:
    _, booked, dropped = read_rows(written(tmp_path / "rows.csv"))
    assert (booked.due, booked.sent, booked.answered) == (1.0, 1.5, 2.0)
    assert (booked.appointment_id, booked.version, booked.state) == ("a1", 2, "booked")
    assert booked.as_row("M1").latency == 1.0
    assert (dropped.outcome, dropped.status, dropped.appointment_id) == ("dropped", 0, "")


def test_the_warm_up_is_not_measured(tmp_path: Path) -> None:
    assert [row.journey for row in without_warm_up(read_rows(written(tmp_path / "rows.csv")))] == ["book", "book"]


@pytest.mark.parametrize("text", ["", "journey,due\nbook,1\n", "no rows at all\n1,2\n"])
def test_what_holds_no_rows_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text)
    if not text:
        assert read_rows(path) == []
        return
    with pytest.raises(RowsError, match="cannot be read as rows"):
        read_rows(path)


def test_a_journey_of_another_version_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.csv")
    path.write_text(path.read_text().replace("me,", "lunch,"))
    with pytest.raises(RowsError, match="no journey 'lunch'"):
        read_rows(path)
