"""Record the statements that a Postgres server receives, with role and parameters, from its own log."""

import json
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from deploy.errors import CommandError

TIMEOUT_SECONDS = 10.0
_STATEMENT = re.compile(r"(?:statement|execute [^:]*): (.*)", re.DOTALL)
_PARAMETER = re.compile(r"\$\d+ = (?:NULL|'((?:[^']|'')*)')")


@dataclass(frozen=True, slots=True)
class RecordedStatement:
    """`parameters` are in Postgres' text format; None is NULL."""

    role: str
    sql: str
    parameters: tuple[str | None, ...]


def record_statements(
    admin_url: str, log: Path, actions: Sequence[Callable[[], object]]
) -> list[list[RecordedStatement]]:
    """Return the statements received during each of `actions`, in order. The server logs as JSON to `log`.

    Logging is on only during this call, so it costs nothing while a figure is measured.
    """
    marker = f"recorded {secrets.token_hex(8)}"
    with psycopg.connect(admin_url, autocommit=True) as admin:
        begin = log.stat().st_size
        _log_statements(admin, "all")
        try:
            for action in actions:
                admin.execute(f"SELECT '{marker}'".encode())
                action()
            admin.execute(f"SELECT '{marker}'".encode())
        finally:
            _log_statements(admin, "none")
        return _between(_read(log, begin, marker, len(actions) + 1), marker, admin.info.user)


def _log_statements(admin: psycopg.Connection[tuple[object, ...]], value: str) -> None:
    """Set `log_statement`; other sessions reload it shortly, before their next statement."""
    admin.execute(f"ALTER SYSTEM SET log_statement = '{value}'")
    admin.execute("SELECT pg_reload_conf()")
    time.sleep(0.5)


def _read(log: Path, begin: int, marker: str, markers: int) -> list[str]:
    """Return the lines after offset `begin`, once the separate logger process has written all markers."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        with log.open("rb") as file:
            file.seek(begin)
            written = file.read().decode()
        if written.count(marker) >= markers and written.endswith("\n"):
            return written.splitlines()
        time.sleep(0.05)
    raise CommandError(f"the recorded statements did not reach Postgres' log {log} within {TIMEOUT_SECONDS:g} s")


def _between(lines: list[str], marker: str, admin: str) -> list[list[RecordedStatement]]:
    """Return the statements between consecutive markers, without the administrator's own."""
    found: list[list[RecordedStatement]] = []
    for statement in filter(None, map(parse_log_line, lines)):
        if marker in statement.sql:
            found.append([])
        elif found and statement.role != admin:
            found[-1].append(statement)
    return found[:-1]


def parse_log_line(line: str) -> RecordedStatement | None:
    """Return the statement of a log line, or None for any other message.

    Format: jsonlog, https://www.postgresql.org/docs/18/runtime-config-logging.html
    """
    entry = json.loads(line)
    statement = _STATEMENT.fullmatch(entry.get("message", ""))
    if statement is None or "user" not in entry:
        return None
    parameters = _PARAMETER.finditer(entry.get("detail", ""))
    values = tuple(None if found[1] is None else found[1].replace("''", "'") for found in parameters)
    return RecordedStatement(entry["user"], " ".join(statement[1].split()), values)
