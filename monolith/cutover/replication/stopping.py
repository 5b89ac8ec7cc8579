"""Stop replication in both databases, also while one of them is unreachable."""

import psycopg
from psycopg import errors as pg
from psycopg import sql

from monolith.cutover.databases import REPLICATOR, Connection, DatabasePair
from monolith.cutover.replication.direction import ReplicationDirection, directions
from monolith.cutover.replication.state import is_subscribed


def stop(pair: DatabasePair) -> list[str]:
    """Drop subscriptions, slots and publications; no row of a business changes. May be repeated.

    Returns a message with the remedy for each thing that could not be dropped.
    """
    left: list[str] = []
    for direction in directions(pair):
        left += _unsubscribe(direction)
    for direction in directions(pair):
        left += _unpublish(direction)
    return left


def _unsubscribe(direction: ReplicationDirection) -> list[str]:
    try:
        with direction.subscriber.connect(REPLICATOR) as db:
            if is_subscribed(db, direction):
                _drop(db, sql.Identifier(direction.subscription))
    except psycopg.Error as error:
        return [
            f"{direction}: the subscription is still in {direction.subscriber} ({_one_line(error)}): repeat the command"
        ]
    return []


def _drop(db: Connection, name: sql.Identifier) -> None:
    """Drop the subscription with its slot, or without it when the publisher is unreachable."""
    try:
        db.execute(sql.SQL("DROP SUBSCRIPTION {}").format(name))
    except (pg.ConnectionException, pg.ConnectionFailure, pg.UndefinedObject, pg.ObjectInUse, pg.QueryCanceled):
        db.execute(sql.SQL("ALTER SUBSCRIPTION {} DISABLE").format(name))
        db.execute(sql.SQL("ALTER SUBSCRIPTION {} SET (slot_name = NONE)").format(name))
        db.execute(sql.SQL("DROP SUBSCRIPTION {}").format(name))


def _unpublish(direction: ReplicationDirection) -> list[str]:
    try:
        with direction.publisher.connect(REPLICATOR) as db:
            db.execute(
                """
                SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
                 WHERE slot_name = %s AND NOT active
                """,
                (direction.subscription,),
            )
            db.execute("SELECT scheduling.unpublish()")
    except psycopg.Error as error:
        slot = f"slot {direction.subscription} may still retain WAL on {direction.publisher}"
        return [f"{direction}: {slot} ({_one_line(error)}): repeat this command"]
    return []


def _one_line(error: psycopg.Error) -> str:
    return " ".join(str(error).split()) or type(error).__name__
