"""Statements of one round trip, and `read_bytes`, which returns what a cursor would."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from psycopg import errors as pg

from contracts.chassis.credentials import role_url
from scheduling_service.engine.connection import Connection
from tests.databases import Databases
from tests.integration.engine.workbench import Background, Workbench

TEXT = "SELECT convert_to($1::text, 'UTF8')"


LOCK = "SELECT pg_advisory_xact_lock(4711)"


@pytest.fixture
def connection(databases: Databases) -> Iterator[Connection]:
    with Connection.open(role_url(databases.scheduling_url, "scheduling_app", databases.role_secret)) as opened:
        yield opened


def test_read_bytes_outside_and_inside_a_transaction(connection: Connection) -> None:
    assert [connection.read_bytes(TEXT, (text,)) for text in ("å", "'", None)] == ["å".encode(), b"'", None]
    with connection.transaction():
        assert [connection.read_bytes(TEXT, (text,)) for text in ("å", "'", None)] == ["å".encode(), b"'", None]


def test_read_bytes_after_a_rollback_dropped_prepared_statements(connection: Connection) -> None:
    connection.read_bytes(TEXT, ("a",))
    connection.execute("BEGIN")
    connection.execute("ROLLBACK")
    connection.execute("DEALLOCATE ALL")
    assert connection.read_bytes(TEXT, ("b",)) == b"b"


def test_read_bytes_raises_the_errors_of_a_cursor(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero, match="division by zero"):
        connection.read_bytes("SELECT int8send(1 / $1::bigint)", (0,))
    with pytest.raises(psycopg.errors.UndefinedFunction):
        connection.read_bytes("SELECT no_such_function($1::bigint)", (0,))
    assert connection.read_bytes(TEXT, ("a",)) == b"a"


def test_a_broken_connection_is_closed_and_reported(connection: Connection, databases: Databases) -> None:
    connection.read_bytes(TEXT, ("a",))
    with psycopg.connect(databases.scheduling_admin_url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):
        connection.read_bytes(TEXT, ("a",))
    assert connection.closed


def test_parameters_and_rows_survive_the_round_trip(connection: Connection) -> None:
    values = (
        UUID(int=7),
        datetime(2040, 6, 4, 9, 30, tzinfo=UTC),
        7,
        True,
        None,
        b"\x00\xff",
        "å'\\",
        [UUID(int=1), UUID(int=2)],
        ('"', "\\", "a,b", "NULL", ""),
    )
    types = ("uuid", "timestamptz", "bigint", "boolean", "text", "bytea", "text", "uuid[]", "text[]")
    columns = ", ".join(f"${number}::{kind}" for number, kind in enumerate(types, 1))
    row = connection.query_row(f"SELECT {columns}", values)
    assert row == (*values[:-1], list(values[-1]))
    assert connection.query_row("SELECT 1 WHERE $1::boolean", (False,)) is None
    assert connection.query_rows("SELECT generate_series(1, $1::int)", (3,)) == [(1,), (2,), (3,)]


def test_text_with_nul_is_rejected_instead_of_cut(connection: Connection) -> None:
    with pytest.raises(psycopg.DataError):
        connection.query_row("SELECT $1::text", ("a\0b",))
    assert connection.query_row("SELECT $1::text", ("a",)) == ("a",)


def test_queued_statements_precede_every_other_statement(connection: Connection) -> None:
    connection.send_later("SET statement_timeout = 1001")
    assert connection.execute("SHOW statement_timeout").fetchone() == ("1001ms",)
    connection.send_later("SET statement_timeout = 1002")
    assert connection.query_row("SHOW statement_timeout") == ("1002ms",)
    connection.send_later("SET statement_timeout = 1003")
    assert connection.read_bytes("SELECT convert_to(current_setting('statement_timeout'), 'UTF8')", ()) == b"1003ms"


def test_a_statement_sees_what_was_committed_while_an_earlier_one_waited(bench: Workbench) -> None:
    """Both are sent in one round trip: the lock, and the read that must not be older than the lock."""
    bench.sql("CREATE TABLE IF NOT EXISTS public.seen (value int)")
    bench.sql("TRUNCATE public.seen")
    bench.sql("GRANT SELECT ON public.seen TO scheduling_app")

    with bench.administrator() as other, Connection.open(bench.role_url("scheduling_app")) as connection:
        with other.transaction():
            other.execute(LOCK)
            connection.send_later("BEGIN")
            connection.send_later(LOCK)
            reading = Background(lambda: connection.query_row("SELECT count(*) FROM public.seen"))
            bench.waiting(LOCK)
            other.execute("INSERT INTO public.seen VALUES (1)")
        assert reading.result() == (1,)
        connection.roll_back()


def test_an_error_skips_the_rest_of_the_round_trip(connection: Connection) -> None:
    connection.send_later("BEGIN")
    connection.send_later("SELECT 1 / $1::int", (0,))
    with pytest.raises(pg.DivisionByZero):
        connection.run("COMMIT")
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
    connection.roll_back()
    assert connection.query_row("SELECT 1 / $1::int", (1,)) == (1,)


def test_a_rollback_discards_what_is_queued(connection: Connection) -> None:
    connection.run("BEGIN")
    connection.send_later("SELECT 1 / $1::int", (0,))
    connection.roll_back()
    assert connection.query_row("SELECT 1") == (1,)


def test_a_statement_whose_preparation_was_lost_is_prepared_again(connection: Connection) -> None:
    assert connection.query_row("SELECT $1::int", (1,)) == (1,)
    connection.execute("DEALLOCATE ALL")
    with pytest.raises(pg.InvalidSqlStatementName):
        connection.query_row("SELECT $1::int", (1,))
    assert connection.query_row("SELECT $1::int", (1,)) == (1,)


def test_a_connection_lost_before_the_round_trip_is_told_from_one_lost_in_it(bench: Workbench) -> None:
    lost_before = Connection.open(bench.role_url("scheduling_app"))
    bench.terminate(lost_before.info.backend_pid)
    lost_before.send_later("BEGIN")
    with pytest.raises(psycopg.OperationalError):
        lost_before.query_row("SELECT 1")
    assert lost_before.closed
    assert not lost_before.answered

    with bench.administrator() as other, other.transaction():
        other.execute(LOCK)
        lost_within = Connection.open(bench.role_url("scheduling_app"))
        lost_within.send_later("BEGIN")
        waiting = Background(lambda: lost_within.run(LOCK))
        bench.terminate(bench.waiting(LOCK))
        with pytest.raises(pg.AdminShutdown):
            waiting.result()
        assert lost_within.closed
        assert lost_within.answered
