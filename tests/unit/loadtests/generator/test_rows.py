"""Raw rows come back as they were written, and a file that holds none is one line."""

from pathlib import Path

import pytest

from loadtests.generator.rows import RequestRow, RowsError, RowWriter, read_rows, without_warm_up

BOOKED = {"appointment_id": "a1", "version": 2, "status": "booked"}


def written(path: Path) -> Path:
    with path.open("w", newline="") as file:
        writer = RowWriter(file)
        writer.add(RequestRow("", "auth", "me", 99.0, 99.001, 99.2, "ok", 200), {}, began=100.0)
        writer.add(RequestRow("", "scheduling", "book", 101.0, 101.5, 102.0, "ok", 201), BOOKED, began=100.0)
        held = RequestRow("", "scheduling", "hold", 103.0, 103.0, 103.0, "dropped", 0, 7, "reserve", 1)
        writer.add(held, {}, began=100.0)
    return path


def test_rows_have_times_from_0_s_and_the_acknowledged_appointment(tmp_path: Path) -> None:
    _, booked, dropped = read_rows(written(tmp_path / "rows.csv"))
    assert (booked.due, booked.sent, booked.answered) == (1.0, 1.5, 2.0)
    assert (booked.appointment_id, booked.version, booked.state) == ("a1", 2, "booked")
    assert booked.as_row("M1").latency == 1.0
    assert (dropped.outcome, dropped.status, dropped.appointment_id) == ("dropped", 0, "")
    assert (dropped.arrival, dropped.session, dropped.step) == (7, "reserve", 1)
    assert dropped.as_row("M1")[-3:] == (7, "reserve", 1)


def test_rows_of_an_earlier_version_have_no_arrival(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.csv")
    path.write_text("".join(",".join(line.split(",")[:9]) + "\n" for line in path.read_text().splitlines()))
    assert [(row.journey, row.arrival, row.session) for row in read_rows(path)][-1] == ("hold", 0, "")


def test_warm_up_is_excluded(tmp_path: Path) -> None:
    assert [row.journey for row in without_warm_up(read_rows(written(tmp_path / "rows.csv")))] == ["book", "hold"]


@pytest.mark.parametrize("text", ["", "journey,due\nbook,1\n", "no rows at all\n1,2\n"])
def test_invalid_rows_file_gives_a_one_line_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text)
    if not text:
        assert read_rows(path) == []
        return
    with pytest.raises(RowsError, match="cannot be read as rows"):
        read_rows(path)


def test_unknown_journey_is_reported(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.csv")
    path.write_text(path.read_text().replace("me,", "lunch,"))
    with pytest.raises(RowsError, match="unknown journey 'lunch'"):
        read_rows(path)
