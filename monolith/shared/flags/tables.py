"""The schema `platform`."""

from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

SCHEMA = "platform"
metadata = MetaData(schema=SCHEMA)
_instant = DateTime(timezone=True)
_now = text("now()")

flag = Table(
    "flag",
    metadata,
    Column("key", Text, nullable=False),
    Column("business_id", Uuid, comment="NULL: the default for every business without an override."),
    Column("value", Text, nullable=False),
    Column("changed_at", _instant, nullable=False, server_default=_now),
    UniqueConstraint("key", "business_id", name="flag_key_business", postgresql_nulls_not_distinct=True),
)

audit = Table(
    "audit",
    metadata,
    Column("audit_id", Uuid, primary_key=True),
    Column("recorded_at", _instant, nullable=False, server_default=_now),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", JSONB),
    Column("after", JSONB),
    Column("reason", Text, nullable=False),
    Index("audit_by_time", "recorded_at", "audit_id"),
)
