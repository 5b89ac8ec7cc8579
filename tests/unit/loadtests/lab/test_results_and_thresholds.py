"""Reading of results and thresholds; each error is one line."""

from pathlib import Path

import msgspec
import pytest

from loadtests.lab.results.model import SCHEMA_VERSION, Results, ResultsError, read_results
from loadtests.lab.verdict.thresholds import FILE, ThresholdsError, read_thresholds
from tests.unit.loadtests.lab.laboratories import MACHINE, THRESHOLDS, conditions


def test_results_are_restored_from_json() -> None:
    results = Results(
        schema=SCHEMA_VERSION, thresholds_version=THRESHOLDS.version, machine=MACHINE, conditions=conditions()
    )
    assert read_results(msgspec.json.encode(results), "results.json") == results


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"schema": 99}', "x.json has schema version 99, expected 2: measure again"),
        (b"<html>", "x.json does not contain laboratory results"),
        (b'{"schema": 2}', "x.json does not contain laboratory results"),
    ],
)
def test_unusable_results_are_rejected(data: bytes, message: str) -> None:
    with pytest.raises(ResultsError) as error:
        read_results(data, "x.json")
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(("old", "new"), [("version = ", ""), ("flood =", "floood ="), ("= 1.08", "= ?")])
def test_invalid_thresholds_are_rejected(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "thresholds.toml"
    path.write_text(FILE.read_text().replace(old, new, 1))
    with pytest.raises(ThresholdsError, match=r"thresholds\.toml cannot be used"):
        read_thresholds(path)


def test_missing_thresholds_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(ThresholdsError, match=r"none\.toml cannot be used"):
        read_thresholds(tmp_path / "none.toml")
