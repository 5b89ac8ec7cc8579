"""SQL for feeds, under the role `calendars_app`."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, func, insert, select, text

from monolith.modules.calendars.feed_models import Feed
from monolith.modules.calendars.tables import feed

_COLUMNS = [feed.c[name] for name in Feed.__struct_fields__]
# Index feed_secret. The transaction sees the feed by its hash, without naming a business.
_HOLD = text("SELECT set_config('app.feed_hash', encode(:secret_hash, 'hex'), true)")
_READ = text("""
    UPDATE calendars.feed SET last_read_at = now() WHERE secret_hash = :secret_hash
    RETURNING business_id, feed_id, provider_id, detail, name, created_by, created_at, last_read_at
""")


def insert_feed(
    connection: Connection, business_id: UUID, feed_id: UUID, secret_hash: bytes, fields: dict[str, Any]
) -> Feed:
    values = {"business_id": business_id, "feed_id": feed_id, "secret_hash": secret_hash, **fields}
    return _feed(connection.execute(insert(feed).values(**values).returning(*_COLUMNS)).one())


def lock_business(connection: Connection, business_id: UUID) -> None:
    """Let no other transaction create a feed of the business until this one ends, so that the limit holds."""
    connection.execute(select(func.pg_advisory_xact_lock(business_id.int & 0x7FFF_FFFF_FFFF_FFFF)))


def feeds_of(connection: Connection, business_id: UUID) -> list[Feed]:
    """Index feed_by_business."""
    query = select(*_COLUMNS).where(feed.c.business_id == business_id).order_by(feed.c.created_at, feed.c.feed_id)
    return [_feed(row) for row in connection.execute(query)]


def delete_feed(connection: Connection, business_id: UUID, feed_id: UUID) -> None:
    """Primary key."""
    connection.execute(delete(feed).where(feed.c.business_id == business_id, feed.c.feed_id == feed_id))


def read_feed(connection: Connection, secret_hash: bytes) -> tuple[UUID, Feed] | None:
    """Return the business and the feed with this secret, and record that it was read."""
    connection.execute(_HOLD, {"secret_hash": secret_hash})
    row = connection.execute(_READ, {"secret_hash": secret_hash}).one_or_none()
    return None if row is None else (row.business_id, _feed(row))


def _feed(row: Row[Any]) -> Feed:
    return Feed(**{name: getattr(row, name) for name in Feed.__struct_fields__})
