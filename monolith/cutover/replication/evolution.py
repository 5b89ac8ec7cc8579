"""Change the replicated tables while replicating: publish the common columns only, and all of them afterwards.

A column that only the publisher has would stop the subscriber. With lists of columns, both databases can be migrated
one after the other, in any order, while every row of the known columns keeps flowing.
"""

from psycopg import sql
from psycopg.types.json import Jsonb

from monolith.cutover.databases import REPLICATOR, Connection, DatabasePair
from monolith.cutover.replication.direction import ReplicationDirection, directions
from monolith.cutover.replication.requirements import ReplicationRefused, require_release
from monolith.cutover.replication.state import find_problems, is_subscribed

Columns = dict[str, list[str]]
_MAX_LAG_BYTES = 16_000_000


def require_evolvable(pair: DatabasePair, *, resumed: bool) -> None:
    """Check that both servers keep changes when a publication is altered, and that both directions are healthy.

    A change that is `resumed` may have left them waiting for a column. Raises ReplicationRefused.
    """
    for direction in directions(pair):
        with direction.publisher.connect(REPLICATOR, statement_seconds=5.0) as db:
            require_release(direction.publisher, db.info.server_version)
    problems = [] if resumed else find_problems(pair, max_lag_bytes=_MAX_LAG_BYTES)
    if problems:
        raise ReplicationRefused(f"replication is not healthy ({'; '.join(problems)})", "repair it first")


def publish_common_columns(pair: DatabasePair) -> None:
    """Publish, in both databases, only the tables and columns that both have. May be repeated."""
    there, back = directions(pair)
    with (
        there.publisher.connect(REPLICATOR) as one,
        back.publisher.connect(REPLICATOR) as other,
    ):
        common = _common(_columns(one), _columns(other))
        for db in (one, other):
            db.execute("SELECT scheduling.publish_columns(%s)", (Jsonb(common),))


def publish_everything(pair: DatabasePair) -> None:
    """Publish all tables and columns in both databases, and subscribe to new tables. May be repeated.

    A new table is not copied: nothing writes it before both databases have it. Raises ReplicationRefused if one has
    rows.
    """
    for direction in directions(pair):
        with (
            direction.publisher.connect(REPLICATOR) as publisher,
            direction.subscriber.connect(REPLICATOR) as subscriber,
        ):
            if not is_subscribed(subscriber, direction):
                continue
            _require_empty(publisher, direction, _new_tables(subscriber, direction))
            publisher.execute("SELECT scheduling.publish('{}')")
            subscriber.execute(
                sql.SQL("ALTER SUBSCRIPTION {} REFRESH PUBLICATION WITH (copy_data = false)").format(
                    sql.Identifier(direction.subscription)
                )
            )


def _columns(db: Connection) -> Columns:
    rows = db.execute(
        """
        SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum)
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relnamespace = 'scheduling'::regnamespace AND c.relname = ANY (scheduling.replicated_tables())
           AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
         GROUP BY c.relname
        """
    ).fetchall()
    return {name: list(columns) for name, columns in rows}


def _common(one: Columns, other: Columns) -> Columns:
    return {name: [column for column in one[name] if column in other[name]] for name in one if name in other}


def _new_tables(subscriber: Connection, direction: ReplicationDirection) -> list[str]:
    rows = subscriber.execute(
        """
        SELECT t.name FROM unnest(scheduling.replicated_tables()) AS t (name)
         WHERE NOT EXISTS (SELECT FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid
                            WHERE s.subname = %s AND r.srrelid = format('scheduling.%%I', t.name)::regclass)
        """,
        (direction.subscription,),
    ).fetchall()
    return [name for (name,) in rows]


def _require_empty(publisher: Connection, direction: ReplicationDirection, tables: list[str]) -> None:
    for table in tables:
        found = publisher.execute(
            sql.SQL("SELECT EXISTS (SELECT FROM scheduling.{})").format(sql.Identifier(table))
        ).fetchone()
        if found == (True,):
            raise ReplicationRefused(
                f"the new table {table} of the {direction.publisher.name} database has rows already, which were not "
                "replicated",
                "run `extraction replicate stop`, then `extraction replicate start --discard-copies`",
            )
