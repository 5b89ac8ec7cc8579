"""`Connection.read_bytes`: what a cursor would have answered, also after what makes prepared statements vanish."""

from collections.abc import Iterator

import psycopg
import pytest

from contracts.chassis.credentials import role_url
from scheduling_service.engine.pool import Connection
from tests.databases import Databases

TEXT = "SELECT convert_to($1::text, 'UTF8')"


@pytest.fixture
def connection(databases: Databases) -> Iterator[Connection]:
    with Connection.open(role_url(databases.scheduling_url, "scheduling_app", databases.role_secret)) as opened:
        yield opened


def test_outside_a_transaction_and_inside_one(connection: Connection) -> None:
    assert [connection.read_bytes(TEXT, (text,)) for text in ("å", "'", None)] == ["å".encode(), b"'", None]
    with connection.transaction():
        assert [connection.read_bytes(TEXT, (text,)) for text in ("å", "'", None)] == ["å".encode(), b"'", None]


def test_after_a_rollback_has_dropped_every_prepared_statement(connection: Connection) -> None:
    connection.read_bytes(TEXT, ("a",))
    connection.execute("BEGIN")
    connection.execute("ROLLBACK")
    connection.execute("DEALLOCATE ALL")
    assert connection.read_bytes(TEXT, ("b",)) == b"b"


def test_errors_are_those_of_a_cursor(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero, match="division by zero"):
        connection.read_bytes("SELECT int8send(1 / $1::bigint)", (0,))
    with pytest.raises(psycopg.errors.UndefinedFunction):
        connection.read_bytes("SELECT no_such_function($1::bigint)", (0,))
    assert connection.read_bytes(TEXT, ("a",)) == b"a"


def test_a_connection_that_was_cut_is_closed_and_says_so(connection: Connection, databases: Databases) -> None:
    connection.read_bytes(TEXT, ("a",))
    with psycopg.connect(databases.scheduling_admin_url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):
        connection.read_bytes(TEXT, ("a",))
    assert connection.closed
