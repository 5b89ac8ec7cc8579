"""SQLAlchemy definitions of the tables; a test compares them with the migrated schema."""

from sqlalchemy import Column, DateTime, Index, LargeBinary, MetaData, Table, Text, UniqueConstraint, Uuid, text

SCHEMA = "calendars"
metadata = MetaData(schema=SCHEMA)

_instant = DateTime(timezone=True)
_now = text("now()")

feed = Table(
    "feed",
    metadata,
    Column("feed_id", Uuid, primary_key=True),
    Column("business_id", Uuid, nullable=False),
    Column(
        "provider_id",
        Uuid,
        comment="The provider whose appointments the feed shows. NULL: those of its creator, as a customer.",
    ),
    Column("detail", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("created_by", Uuid, nullable=False),
    Column("created_at", _instant, nullable=False, server_default=_now),
    Column("last_read_at", _instant),
    UniqueConstraint("secret_hash", name="feed_secret"),
    Index("feed_by_business", "business_id", "created_at"),
)
