"""Floors: minimal Flask applications that the product is compared with.

    gunicorn -c loadtests/bench/floor_gunicorn.py 'loadtests.bench.floors:search_floor()'

They have the product's server, worker class, threads and keep-alive; bare Flask, raw psycopg, autocommit, one
connection per thread and role. Each floor reads its settings from FLOOR, a JSON object.
"""

import json
import os
import threading
from collections.abc import Callable
from typing import Any

import psycopg
from flask import Flask, request
from psycopg.rows import TupleRow
from uuid_utils.compat import uuid7

from loadtests.bench import sql_replay

Connection = psycopg.Connection[TupleRow]

ONE_ROW = """
    SELECT appointment_id, starts_at, ends_at, status
      FROM scheduling.appointment WHERE business_id = $1 AND appointment_id = $2
"""


def constant_floor() -> Flask:
    """Return an application that responds with a constant: the minimal cost of one HTTP request."""
    app = Flask(__name__)

    @app.get("/")
    def constant() -> dict[str, int]:
        return {"a": 1}

    return app


def search_floor() -> Flask:
    """Return an application that reads one row by primary key.

    It reads the table that slot search reads, as a role that bypasses row-level security.
    """
    app = Flask(__name__)
    connection = _per_thread(_settings()["database_url"])

    @app.get("/businesses/<business_id>/appointments/<appointment_id>")
    def read(business_id: str, appointment_id: str) -> dict[str, Any]:
        row = connection().execute(ONE_ROW, (business_id, appointment_id)).fetchone()
        assert row is not None
        return {"id": str(row[0]), "starts_at": row[1].isoformat(), "ends_at": row[2].isoformat(), "status": row[3]}

    return app


def booking_floor() -> Flask:
    """Return an application that executes the SQL of one booking and nothing else.

    It replays the statements that the server's log recorded for the product (`loadtests.bench.sql_replay`): first the
    monolith's reads that authenticate the caller and look up the business, in autocommit, each under the role that sent
    it; then scheduling's transaction, statement by statement, under its running role, equally durable. The bench also
    records this floor, and refuses to compare when the statements differ.
    """
    settings = _settings()
    steps = sql_replay.from_json(settings["sql"])
    connections = {role: _per_thread(url) for role, url in settings["database_urls"].items()}
    ids = sql_replay.fresh_ids(steps)
    app = Flask(__name__)

    @app.get("/ready")
    def ready() -> str:
        return "ready"

    @app.post("/appointments")
    def book() -> tuple[dict[str, Any], int]:
        body = request.get_json()
        booking = sql_replay.BookingRequest(body["provider_id"], body["starts_at"], request.headers["Idempotency-Key"])
        fresh = {known: str(uuid7()) for known in ids}
        for step in steps:
            parameters = sql_replay.fill_parameters(step.parameters, booking, fresh)
            answer = connections[step.role]().execute(step.sql, parameters)
            if answer.description:
                answer.fetchall()
        return {"starts_at": booking.starts_at}, 201

    return app


def _settings() -> dict[str, Any]:
    settings: dict[str, Any] = json.loads(os.environ["FLOOR"])
    return settings


def _per_thread(url: str) -> Callable[[], Connection]:
    local = threading.local()

    def connection() -> Connection:
        if not hasattr(local, "connection"):
            local.connection = psycopg.connect(
                url, autocommit=True, prepare_threshold=0, cursor_factory=psycopg.RawCursor, options="-c timezone=UTC"
            )
        opened: Connection = local.connection
        return opened

    return connection
