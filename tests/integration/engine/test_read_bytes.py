"""`Connection.read_bytes` returns what a cursor would, even after prepared statements were dropped."""

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
