"""Errors of both database layers reach the log without the values of rows and parameters."""

import json
import logging
from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy import text

from contracts.chassis.credentials import role_url
from contracts.chassis.logs import line_of
from monolith.shared.database import ModuleDatabase
from scheduling_service.engine.connection import Connection
from tests.databases import Databases

SECRET = "alice@example.org"
TABLE = "CREATE TEMPORARY TABLE person (email text PRIMARY KEY, age integer CHECK (age > 0))"


def by_module(databases: Databases, statement: str) -> None:
    database = ModuleDatabase(databases.monolith_url, role="billing_app", secret=databases.role_secret)
    with database.transaction() as connection:
        connection.execute(text(TABLE))
        connection.execute(text("INSERT INTO person VALUES (:secret, 1)"), {"secret": SECRET})
        connection.execute(text(statement), {"secret": SECRET})


def by_engine(databases: Databases, statement: str) -> None:
    url = role_url(databases.scheduling_url, "scheduling_app", databases.role_secret)
    with Connection.open(url) as connection:
        connection.execute(TABLE)
        connection.query_rows("INSERT INTO person VALUES ($1, 1) RETURNING 1", (SECRET,))
        connection.query_rows(statement.replace(":secret", "$1") + " RETURNING 1", (SECRET,))


STATEMENTS = {
    "duplicate key": "INSERT INTO person VALUES (:secret, 2)",
    "violates check": "INSERT INTO person VALUES (:secret || 'x', 0)",
    "invalid input syntax": "INSERT INTO person VALUES ('x', CAST(:secret AS text)::integer)",
}


@pytest.fixture
def grants(databases: Databases) -> None:
    """Let the running roles create temporary tables in this test's databases."""
    for url, role in (
        (databases.monolith_admin_url, "billing_app"),
        (databases.scheduling_admin_url, "scheduling_app"),
    ):
        with psycopg.connect(url) as administrator:
            administrator.execute(f"GRANT TEMPORARY ON DATABASE {administrator.info.dbname} TO {role}".encode())


@pytest.mark.parametrize("layer", [by_module, by_engine])
@pytest.mark.parametrize("message", STATEMENTS)
def test_an_error_is_logged_without_values(
    databases: Databases, grants: None, layer: Callable[[Databases, str], None], message: str
) -> None:
    with pytest.raises(Exception, match=message) as caught:
        layer(databases, STATEMENTS[message])
    error = caught.value
    record = logging.LogRecord(
        "test", logging.ERROR, "", 0, "failed: %s", (error,), (type(error), error, error.__traceback__)
    )
    line = json.loads(line_of(record))
    assert message in line["event"]
    assert "Traceback" in line["error"]
    assert SECRET not in json.dumps(line)
