"""An appointment shop in one file: booking and billing share functions, queries and transactions."""

import os
from datetime import datetime
from typing import Any

import psycopg
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from psycopg.rows import dict_row

SCHEMA = """
CREATE TABLE IF NOT EXISTS price (
    shop text, service text, amount_minor integer NOT NULL, PRIMARY KEY (shop, service)
);
CREATE TABLE IF NOT EXISTS appointment (
    appointment_id serial PRIMARY KEY, shop text NOT NULL, service text NOT NULL, customer text NOT NULL,
    starts_at timestamptz NOT NULL, status text NOT NULL DEFAULT 'booked'
);
CREATE UNIQUE INDEX IF NOT EXISTS no_double_booking ON appointment (shop, starts_at) WHERE status = 'booked';
CREATE TABLE IF NOT EXISTS invoice (
    invoice_id serial PRIMARY KEY, shop text NOT NULL, appointment_id integer NOT NULL REFERENCES appointment,
    amount_minor integer NOT NULL, status text NOT NULL DEFAULT 'open'
);
"""

app = Flask(__name__)


def connect() -> psycopg.Connection[dict[str, Any]]:
    """Open a connection. `with connect() as db` is one transaction."""
    return psycopg.connect(os.environ["SHOP_DATABASE_URL"], row_factory=dict_row)


def set_up() -> None:
    with connect() as db:
        db.execute(SCHEMA)


@app.put("/<shop>/prices/<service>")
def set_price(shop: str, service: str) -> ResponseReturnValue:
    with connect() as db:
        db.execute(
            """
            INSERT INTO price (shop, service, amount_minor) VALUES (%s, %s, %s)
                ON CONFLICT (shop, service) DO UPDATE SET amount_minor = excluded.amount_minor
            """,
            (shop, service, request.json["amount_minor"]),
        )
    return "", 204


@app.post("/<shop>/appointments")
def book(shop: str) -> ResponseReturnValue:
    wanted = request.json
    with connect() as db:
        booked = db.execute(
            """
            INSERT INTO appointment (shop, service, customer, starts_at) VALUES (%s, %s, %s, %s)
                ON CONFLICT (shop, starts_at) WHERE status = 'booked' DO NOTHING
            RETURNING appointment_id
            """,
            (shop, wanted["service"], wanted["customer"], datetime.fromisoformat(wanted["starts_at"])),
        ).fetchone()
        if booked is None:
            return jsonify(error="this time is taken"), 409
        # The invoice is written here, because the price and the appointment are at hand.
        db.execute(
            """
            INSERT INTO invoice (shop, appointment_id, amount_minor)
            SELECT shop, %s, amount_minor FROM price WHERE shop = %s AND service = %s
            """,
            (booked["appointment_id"], shop, wanted["service"]),
        )
    return jsonify(booked), 201


@app.post("/<shop>/appointments/<int:appointment_id>/cancel")
def cancel(shop: str, appointment_id: int) -> ResponseReturnValue:
    with connect() as db:
        found = db.execute(
            """
            UPDATE appointment SET status = 'cancelled'
             WHERE shop = %s AND appointment_id = %s AND status = 'booked' RETURNING appointment_id
            """,
            (shop, appointment_id),
        ).fetchone()
        if found is None:
            return jsonify(error="there is no such booking"), 404
        db.execute(
            "UPDATE invoice SET status = CASE status WHEN 'paid' THEN 'refund due' ELSE 'void' END"
            " WHERE appointment_id = %s",
            (appointment_id,),
        )
    return jsonify(found)


@app.post("/<shop>/appointments/<int:appointment_id>/pay")
def pay(shop: str, appointment_id: int) -> ResponseReturnValue:
    with connect() as db:
        found = db.execute(
            "UPDATE invoice SET status = 'paid' WHERE shop = %s AND appointment_id = %s AND status = 'open'"
            " RETURNING invoice_id",
            (shop, appointment_id),
        ).fetchone()
    return jsonify(found) if found else (jsonify(error="nothing is due"), 409)


@app.get("/<shop>/appointments")
def appointments(shop: str) -> ResponseReturnValue:
    with connect() as db:
        found = db.execute(
            """
            SELECT a.appointment_id, a.service, a.customer, a.starts_at, a.status, i.status AS invoice, i.amount_minor
              FROM appointment a LEFT JOIN invoice i USING (appointment_id)
             WHERE a.shop = %s ORDER BY a.starts_at, a.appointment_id
            """,
            (shop,),
        ).fetchall()
    return jsonify(found)
