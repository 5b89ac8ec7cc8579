"""Tables of the write protocol: lease, idempotency keys, outbox, fence watermark and replication canary."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from scheduling_service.engine.tables.declarations import instant, metadata, now

lease = Table(
    "lease",
    metadata,
    Column("business_id", Uuid, primary_key=True),
    Column("active", Boolean, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column(
        "attempt",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="The latest cutover attempt that this database has seen; a fence or release of an earlier one has no "
        "effect.",
    ),
    Column(
        "incarnation",
        Text,
        nullable=False,
        server_default=text("scheduling.incarnation()"),
        comment="The incarnation of the server in which the lease is valid: system identifier and timeline.",
    ),
    comment="Whether this database may write the business. Never replicated; follows the decision of a cutover.",
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("business_id", Uuid, nullable=False),
    Column("actor", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("reply", LargeBinary, nullable=False),
    Column("recorded_at", instant, nullable=False, server_default=now),
    PrimaryKeyConstraint("business_id", "actor", "operation", "key"),
    Index("idempotency_by_time", "business_id", "recorded_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("business_id", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False, unique=True),
    Column("appointment_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("recorded_at", instant, nullable=False, server_default=now),
    Column("published_at", instant),
    Index("outbox_unpublished", "position", postgresql_where=text("published_at IS NULL")),
    Index("outbox_published", "published_at", postgresql_where=text("published_at IS NOT NULL")),
)

fence_mark = Table(
    "fence_mark",
    metadata,
    Column("business_id", Uuid, primary_key=True),
    Column("attempt", BigInteger, nullable=False),
    Column("fenced_at", instant, nullable=False),
    comment="The watermark of each business: its latest fence, replicated after everything that was written before it.",
)

canary = Table(
    "canary",
    metadata,
    Column("canary_id", Uuid, primary_key=True),
    Column("sent_at", instant, nullable=False),
    Column("answered_at", instant),
    comment="Sent by one database and answered in the other, which proves that both replication directions work.",
)
