"""The files of the laboratory: thresholds and results, and what is wrong with one in a line."""

from pathlib import Path

import msgspec
import pytest

from loadtests.lab.results.model import SCHEMA_VERSION, Results, ResultsError, read_results
from loadtests.lab.verdict.thresholds import FILE, ThresholdsError, read_thresholds
from tests.unit.loadtests.lab.example_runs import THRESHOLDS, runs


def test_results_come_back_as_they_were_written() -> None:
    results = Results(
        schema=SCHEMA_VERSION,
        thresholds_version=THRESHOLDS.version,
        machine="two cores",
        runs=tuple(runs({"M1": 100.0})),
    )
    assert read_results(msgspec.json.encode(results), "results.json") == results


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"schema": 99}', "x.json has results of schema 99, and this version reads 1: run it anew"),
        (b"<html>", "x.json holds no results of the laboratory"),
        (b'{"schema": 1}', "x.json holds no results of the laboratory"),
    ],
)
def test_results_that_cannot_be_used(data: bytes, words: str) -> None:
    with pytest.raises(ResultsError) as error:
        read_results(data, "x.json")
    assert str(error.value).startswith(words)


@pytest.mark.parametrize(("old", "new"), [("version = ", ""), ("headroom", "headrom"), ("= 1.3", "= ?")])
def test_thresholds_that_cannot_be_used(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "thresholds.toml"
    path.write_text(FILE.read_text().replace(old, new, 1))
    with pytest.raises(ThresholdsError, match=r"thresholds\.toml cannot be used"):
        read_thresholds(path)


def test_thresholds_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ThresholdsError, match=r"none\.toml cannot be used"):
        read_thresholds(tmp_path / "none.toml")
