"""Tables of the catalog and of working time."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from scheduling_service.engine.tables.declarations import business_foreign_key, instant, metadata, now

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
        comment="Incremented by every change of the catalog; processes cache compiled rules by it.",
    ),
    Column("opened_at", instant, nullable=False, server_default=now),
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
    Column(
        "settings",
        JSONB,
        nullable=False,
        server_default=text("'{}'"),
        comment="Rules in addition to the columns, as encoded by the contract's OfferingRules; a missing rule has "
        "its default.",
    ),
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
    Column("weight", SmallInteger, nullable=False, server_default=text("1")),
    PrimaryKeyConstraint("business_id", "provider_id"),
)

provider_offering = Table(
    "provider_offering",
    metadata,
    Column("business_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("offering_id", Uuid, nullable=False),
    PrimaryKeyConstraint("business_id", "provider_id", "offering_id"),
    business_foreign_key(provider, "provider_id"),
    business_foreign_key(offering, "offering_id"),
)

weekly_hours = Table(
    "weekly_hours",
    metadata,
    Column("business_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("weekday", SmallInteger, nullable=False),
    Column("opens_minute", SmallInteger, nullable=False),
    Column("closes_minute", SmallInteger, nullable=False),
    Column(
        "effective_from",
        Date,
        nullable=False,
        server_default=text("'-infinity'"),
        comment="The first date of the schedule; -infinity for the regular week.",
    ),
    PrimaryKeyConstraint("business_id", "provider_id", "effective_from", "weekday", "opens_minute"),
    business_foreign_key(provider, "provider_id"),
)

schedule = Table(
    "schedule",
    metadata,
    Column("business_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("effective_from", Date, nullable=False),
    Column("effective_until", Date),
    PrimaryKeyConstraint("business_id", "provider_id", "effective_from"),
    business_foreign_key(provider, "provider_id"),
    comment="A dated week of a provider; its ranges, if any, are in weekly_hours.",
)

date_override = Table(
    "date_override",
    metadata,
    Column("business_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("date", Date, nullable=False),
    Column("mode", Text, nullable=False),
    Column("opens", ARRAY(SmallInteger), nullable=False),
    Column("closes", ARRAY(SmallInteger), nullable=False),
    PrimaryKeyConstraint("business_id", "provider_id", "date"),
    business_foreign_key(provider, "provider_id"),
    comment="How one date differs from the week; opens and closes are parallel arrays of minutes after midnight.",
)

holiday = Table(
    "holiday",
    metadata,
    Column("business_id", Uuid, ForeignKey(business.c.business_id), nullable=False),
    Column("date", Date, nullable=False),
    Column("name", Text, nullable=False),
    PrimaryKeyConstraint("business_id", "date"),
)

resource = Table(
    "resource",
    metadata,
    Column("business_id", Uuid, ForeignKey(business.c.business_id), nullable=False),
    Column("resource_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    PrimaryKeyConstraint("business_id", "resource_id"),
)

block = Table(
    "block",
    metadata,
    Column("business_id", Uuid, ForeignKey(business.c.business_id), nullable=False),
    Column("block_id", Uuid, nullable=False),
    Column("provider_id", Uuid),
    Column("resource_id", Uuid),
    Column("starts_at", instant, nullable=False),
    Column("ends_at", instant, nullable=False),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("business_id", "block_id"),
    business_foreign_key(provider, "provider_id"),
    business_foreign_key(resource, "resource_id"),
    Index("block_by_end", "business_id", "ends_at"),
    comment="Blocked time of a provider, of a resource, or of the whole business if both are null.",
)
