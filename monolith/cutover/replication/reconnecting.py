"""New addresses and passwords for running subscriptions."""

from psycopg import sql

from monolith.cutover.databases import REPLICATOR, DatabasePair
from monolith.cutover.replication.direction import directions
from monolith.cutover.replication.state import is_subscribed


def reconnect(pair: DatabasePair) -> list[str]:
    """Give each subscription the address and the password with which its publisher is reached now.

    Returns the directions that have a subscription; each connects again within moments, and continues where it was.
    Idempotent. Raises psycopg.Error.
    """
    changed = []
    for direction in directions(pair):
        with direction.subscriber.connect(REPLICATOR) as subscriber:
            if is_subscribed(subscriber, direction):
                subscriber.execute(
                    sql.SQL("ALTER SUBSCRIPTION {} CONNECTION {}").format(
                        sql.Identifier(direction.subscription), sql.Literal(direction.connection)
                    )
                )
                changed.append(str(direction))
    return changed
