"""The tables, as SQLAlchemy knows them; a test holds them against what the migrations make.

What SQLAlchemy cannot say (the exclusion constraint, row security, the guard) stands in the migrations.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

SCHEMA = "scheduling"
metadata = MetaData(schema=SCHEMA)

_instant = DateTime(timezone=True)
_now = text("now()")

business = Table(
    "business",
    metadata,
    Column("business_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column(
        "rules_version",
        BigInteger,
        nullable=False,
        server_default=text("1"),
        comment="One more at every change of the catalog: processes cache compiled rules under it.",
    ),
    Column("opened_at", _instant, nullable=False, server_default=_now),
)

lease = Table(
    "lease",
    metadata,
    Column("business_id", Uuid, primary_key=True),
    Column("active", Boolean, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    comment="Whether this database may write the business. Never replicated; follows the decision of a cutover.",
)

offering = Table(
    "offering",
    metadata,
    Column("business_id", Uuid, ForeignKey(business.c.business_id), nullable=False),
    Column("offering_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("duration_minutes", Integer, nullable=False),
    Column("step_minutes", Integer, nullable=False),
    Column("cancel_cutoff_minutes", Integer, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    PrimaryKeyConstraint("business_id", "offering_id"),
)

provider = Table(
    "provider",
    metadata,
    Column("business_id", Uuid, ForeignKey(business.c.business_id), nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    PrimaryKeyConstraint("business_id", "provider_id"),
)


def _of(table: Table, key: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["business_id", key], [table.c.business_id, table.c[key]])


provider_offering = Table(
    "provider_offering",
    metadata,
    Column("business_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("offering_id", Uuid, nullable=False),
    PrimaryKeyConstraint("business_id", "provider_id", "offering_id"),
    _of(provider, "provider_id"),
    _of(offering, "offering_id"),
)

weekly_hours = Table(
    "weekly_hours",
    metadata,
    Column("business_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("weekday", SmallInteger, nullable=False),
    Column("opens_minute", SmallInteger, nullable=False),
    Column("closes_minute", SmallInteger, nullable=False),
    PrimaryKeyConstraint("business_id", "provider_id", "weekday", "opens_minute"),
    _of(provider, "provider_id"),
)

appointment = Table(
    "appointment",
    metadata,
    Column("business_id", Uuid, nullable=False),
    Column("appointment_id", Uuid, nullable=False),
    Column("offering_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("starts_at", _instant, nullable=False),
    Column("ends_at", _instant, nullable=False),
    Column("zone", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("note", Text, nullable=False),
    Column("booked_at", _instant, nullable=False),
    Column("cancelled_at", _instant),
    Column("cancel_reason", Text),
    Column("cancelled_in_time", Boolean),
    PrimaryKeyConstraint("business_id", "appointment_id"),
    _of(offering, "offering_id"),
    _of(provider, "provider_id"),
    Index(
        "appointment_by_provider",
        "business_id",
        "provider_id",
        "starts_at",
        postgresql_include=["ends_at"],
        postgresql_where=text("status = 'booked'"),
    ),
    Index("appointment_by_customer", "business_id", "customer_id", "starts_at", "appointment_id"),
    Index("appointment_by_start", "business_id", "starts_at", "appointment_id"),
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
    Column("recorded_at", _instant, nullable=False, server_default=_now),
    PrimaryKeyConstraint("business_id", "actor", "operation", "key"),
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
    Column("recorded_at", _instant, nullable=False, server_default=_now),
    Column("published_at", _instant),
    Index("outbox_unpublished", "position", postgresql_where=text("published_at IS NULL")),
    Index("outbox_published", "published_at", postgresql_where=text("published_at IS NOT NULL")),
)
