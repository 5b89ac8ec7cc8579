"""The reference work: a bare web application with a database.

It imports nothing of the product, so no change of the product makes it faster. A change here makes all registered
`[reference]` figures of the scenarios wrong.

    REFERENCE_DATABASE_URL=… gunicorn --threads 8 'loadtests.lab.servers.reference_app:create_app()'
"""

import os
import threading
from typing import Any, Final

import psycopg
from flask import Flask

ROWS: Final = 20_000
ROWS_OF_A_GROUP: Final = 50
TABLE: Final = """
    CREATE TABLE reference (
        id bigint PRIMARY KEY, "group" integer NOT NULL, name text NOT NULL, changes integer NOT NULL
    )
"""
FILL: Final = "INSERT INTO reference SELECT n, n / %s, md5(n::text), 0 FROM generate_series(0, %s) AS n"
FILL_VALUES: Final = (ROWS_OF_A_GROUP, ROWS - 1)
INDEX: Final = 'CREATE INDEX ON reference ("group")'

Connection = psycopg.Connection[tuple[Any, ...]]


def create_app() -> Flask:
    """Return an application that reads (`GET /N`) or changes (`POST /N`) row N of the table."""
    app, local = Flask(__name__), threading.local()

    def connection() -> Connection:
        if not hasattr(local, "connection"):
            url = os.environ["REFERENCE_DATABASE_URL"]
            local.connection = psycopg.connect(url, prepare_threshold=0, autocommit=True)
        opened: Connection = local.connection
        return opened

    @app.get("/<int:row>")
    def read(row: int) -> dict[str, Any]:
        return {"rows": _read_group(connection(), row)}

    @app.post("/<int:row>")
    def change(row: int) -> dict[str, Any]:
        database = connection()
        with database.transaction():
            rows = _read_group(database, row)
            database.execute("UPDATE reference SET changes = changes + 1 WHERE id = %s", (row,))
        return {"rows": rows[:1]}

    return app


def _read_group(database: Connection, row: int) -> list[dict[str, Any]]:
    group = database.execute('SELECT "group" FROM reference WHERE id = %s', (row,)).fetchone()
    rows = database.execute('SELECT id, name, changes FROM reference WHERE "group" = %s ORDER BY id', group).fetchall()
    return [{"id": key, "name": name, "changes": changes} for key, name, changes in rows]
