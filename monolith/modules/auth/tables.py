"""SQLAlchemy definitions of the tables; a test compares them with the migrated schema."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
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

SCHEMA = "auth"
metadata = MetaData(schema=SCHEMA)

_instant = DateTime(timezone=True)
_now = text("now()")
_empty = text("''")

business = Table(
    "business",
    metadata,
    Column("business_id", Uuid, primary_key=True),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", _instant, nullable=False, server_default=_now),
    Column("email", Text, nullable=False, server_default=_empty),
    Column("phone", Text, nullable=False, server_default=_empty),
    Column("address", Text, nullable=False, server_default=_empty),
    Column("opening_hours", Text, nullable=False, server_default=_empty),
    Column("picture_url", Text, nullable=False, server_default=_empty),
    Column("description", Text, nullable=False, server_default=_empty),
    Column("closed_at", _instant),
    UniqueConstraint("slug", name="business_slug"),
    CheckConstraint("slug ~ '^[a-z0-9-]{3,40}$'"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'"),
    CheckConstraint("state IN ('opening', 'open')"),
    Index("business_opening", "created_at", postgresql_where=text("state = 'opening'")),
)

account = Table(
    "account",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("is_operator", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", _instant, nullable=False, server_default=_now),
    UniqueConstraint("email", name="account_email"),
    CheckConstraint("email = lower(email)"),
)

membership = Table(
    "membership",
    metadata,
    Column("business_id", Uuid, ForeignKey(business.c.business_id), nullable=False),
    Column("user_id", Uuid, ForeignKey(account.c.user_id), nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", _instant, nullable=False, server_default=_now),
    PrimaryKeyConstraint("business_id", "user_id"),
    CheckConstraint("role IN ('owner', 'staff', 'customer')"),
    Index("membership_of_user", "user_id"),
)

customer = Table(
    "customer",
    metadata,
    Column("business_id", Uuid, ForeignKey(business.c.business_id), nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("name", Text),
    Column("email", Text),
    Column("phone", Text, nullable=False, server_default=_empty),
    Column("note", Text, nullable=False, server_default=_empty),
    Column("creation_key", Text),
    Column("created_at", _instant, nullable=False, server_default=_now),
    PrimaryKeyConstraint("business_id", "customer_id"),
    UniqueConstraint("business_id", "creation_key", name="customer_creation_key"),
    Index("customer_by_id", "customer_id"),
)

session = Table(
    "session",
    metadata,
    Column("session_id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey(account.c.user_id), nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("began_at", _instant, nullable=False, server_default=_now),
    Column("seen_at", _instant, nullable=False, server_default=_now),
    Column("expires_at", _instant, nullable=False),
    UniqueConstraint("secret_hash", name="session_secret"),
    Index("session_of_user", "user_id"),
)

api_token = Table(
    "api_token",
    metadata,
    Column("token_id", Uuid, primary_key=True),
    Column("business_id", Uuid, ForeignKey(business.c.business_id), nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("created_by", Uuid, ForeignKey(account.c.user_id), nullable=False),
    Column("created_at", _instant, nullable=False, server_default=_now),
    Column("used_at", _instant),
    Column("revoked_at", _instant),
    UniqueConstraint("secret_hash", name="api_token_secret"),
    CheckConstraint("role IN ('owner', 'staff')"),
    Index("api_token_of_business", "business_id", postgresql_where=text("revoked_at IS NULL")),
)

sign_up = Table(
    "sign_up",
    metadata,
    Column("key_hash", LargeBinary, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("business_id", Uuid, nullable=False),
    Column("created_at", _instant, nullable=False, server_default=_now),
    Index("sign_up_by_age", "created_at"),
)

throttle = Table(
    "throttle",
    metadata,
    Column("kind", Text, nullable=False),
    Column("bucket", Integer, nullable=False),
    Column("spent_until", _instant, nullable=False),
    PrimaryKeyConstraint("kind", "bucket"),
)
