"""What a Postgres server was asked, read from its own log: who, which statement, with which parameters."""

import json
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from deploy.errors import CommandError

PATIENCE_SECONDS = 10.0
_STATEMENT = re.compile(r"(?:statement|execute [^:]*): (.*)", re.DOTALL)
_PARAMETER = re.compile(r"\$\d+ = (?:NULL|'((?:[^']|'')*)')")


@dataclass(frozen=True, slots=True)
class RecordedStatement:
    """`parameters` are in the server's text form; None is NULL."""

    role: str
    sql: str
    parameters: tuple[str | None, ...]


def record_statements(admin_url: str, log: Path, acts: Sequence[Callable[[], object]]) -> list[list[RecordedStatement]]:
    """What the server was sent during each of `acts`, in order. The server logs as JSON into `log`.

    Switches the logging on and off again, so that it costs nothing while something is measured.
    """
    marker = f"recorded {secrets.token_hex(8)}"
    with psycopg.connect(admin_url, autocommit=True) as admin:
        begin = log.stat().st_size
        _log_statements(admin, "all")
        try:
            for act in acts:
                admin.execute(f"SELECT '{marker}'".encode())
                act()
            admin.execute(f"SELECT '{marker}'".encode())
        finally:
            _log_statements(admin, "none")
        return _between(_read(log, begin, marker, len(acts) + 1), marker, admin.info.user)


def _log_statements(admin: psycopg.Connection[tuple[object, ...]], which: str) -> None:
    """The reload reaches the other sessions before their next statement, a moment later."""
    admin.execute(f"ALTER SYSTEM SET log_statement = '{which}'")
    admin.execute("SELECT pg_reload_conf()")
    time.sleep(0.5)


def _read(log: Path, begin: int, marker: str, markers: int) -> list[str]:
    """The lines since `begin`. A process of its own writes the log, so the last marker may come a little late."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with log.open("rb") as file:
            file.seek(begin)
            written = file.read().decode()
        if written.count(marker) >= markers and written.endswith("\n"):
            return written.splitlines()
        time.sleep(0.05)
    raise CommandError(f"the statements that Postgres was sent did not reach its log, {log}")


def _between(lines: list[str], marker: str, admin: str) -> list[list[RecordedStatement]]:
    """The statements after each marker but the last; the administrator's own are left out."""
    found: list[list[RecordedStatement]] = []
    for statement in filter(None, map(parse_log_line, lines)):
        if marker in statement.sql:
            found.append([])
        elif found and statement.role != admin:
            found[-1].append(statement)
    return found[:-1]


def parse_log_line(line: str) -> RecordedStatement | None:
    """A line of the log (https://www.postgresql.org/docs/18/runtime-config-logging.html, jsonlog), if a statement."""
    entry = json.loads(line)
    statement = _STATEMENT.fullmatch(entry.get("message", ""))
    if statement is None or "user" not in entry:
        return None
    parameters = _PARAMETER.finditer(entry.get("detail", ""))
    values = tuple(None if found[1] is None else found[1].replace("''", "'") for found in parameters)
    return RecordedStatement(entry["user"], " ".join(statement[1].split()), values)
