"""Parsing of log lines in the format of Postgres 18."""

import json

import pytest

from loadtests.bench.sql_recording import RecordedStatement, parse_log_line


def line(message: str, **more: str) -> str:
    return json.dumps({"user": "scheduling_app", "dbname": "monolith", "message": message, **more})


@pytest.mark.parametrize(
    "message, sql",
    [
        ("statement: BEGIN", "BEGIN"),
        ("execute <unnamed>: SELECT 1", "SELECT 1"),
        ("execute _pg3_12: SELECT a\n  FROM b", "SELECT a FROM b"),
        ("statement: SELECT 'execute x: y'", "SELECT 'execute x: y'"),
    ],
)
def test_statement_is_parsed_from_every_kind_of_message(message: str, sql: str) -> None:
    assert parse_log_line(line(message)) == RecordedStatement("scheduling_app", sql, ())


def test_parameters_keep_quotes_and_nulls() -> None:
    detail = "Parameters: $1 = 'it''s, $2 = ''x''', $2 = NULL, $3 = '\\x00ff', $4 = ''"
    found = parse_log_line(line("execute _pg3_0: INSERT INTO t VALUES ($1, $2, $3, $4)", detail=detail))
    assert found is not None
    assert found.parameters == ("it's, $2 = 'x'", None, "\\x00ff", "")


@pytest.mark.parametrize(
    "text",
    [
        line("duration: 0.1 ms"),
        line('parameter "log_statement" changed to "all"'),
        json.dumps({"message": "statement: SELECT 1"}),
    ],
)
def test_other_lines_are_ignored(text: str) -> None:
    assert parse_log_line(text) is None
