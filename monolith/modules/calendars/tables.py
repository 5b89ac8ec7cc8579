"""SQLAlchemy definitions of the tables; a test compares them with the migrated schema."""

from sqlalchemy import (
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

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

busy_import = Table(
    "busy_import",
    metadata,
    Column("import_id", Uuid, primary_key=True),
    Column("business_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("url", Text),
    Column("content", Text),
    Column("state", Text, nullable=False, server_default=text("'active'")),
    Column("created_by", Uuid, nullable=False),
    Column("created_at", _instant, nullable=False, server_default=_now),
    Column("next_run_at", _instant, nullable=False, server_default=_now),
    Column("last_run_at", _instant),
    Column("last_success_at", _instant),
    Column(
        "failures",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="The number of failures since the last success.",
    ),
    Column("problem", Text, comment="Why the last run or block failed; NULL after a success."),
    Index("busy_import_by_business", "business_id", "created_at"),
    Index("busy_import_due", "next_run_at"),
)

imported_time = Table(
    "imported_time",
    metadata,
    Column("imported_id", Uuid, primary_key=True),
    Column("business_id", Uuid, nullable=False),
    Column("import_id", Uuid, ForeignKey("calendars.busy_import.import_id"), nullable=False),
    Column("starts_at", _instant, nullable=False),
    Column("ends_at", _instant, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'adding'")),
    Column("block_id", Uuid, comment="The blocked time in scheduling, once it is known."),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_attempt_at", _instant, nullable=False, server_default=_now),
    Index("imported_time_of_import", "import_id", "starts_at"),
    Index("imported_time_due", "next_attempt_at", postgresql_where=text("state <> 'added'")),
    Index("imported_time_next", "import_id", "next_attempt_at", postgresql_where=text("state <> 'added'")),
)

import_turn = Table(
    "import_turn",
    metadata,
    Column("business_id", Uuid, nullable=False),
    Column("work", Text, nullable=False),
    Column("began_at", _instant, nullable=False),
    Column("ends_at", _instant, nullable=False, comment="When a worker may take the next one."),
    PrimaryKeyConstraint("business_id", "work"),
    comment="The last turn of a business, in which one worker reads or writes for it.",
)
