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
from sqlalchemy.dialects.postgresql import JSONB

SCHEMA = "auth"
metadata = MetaData(schema=SCHEMA)

_instant = DateTime(timezone=True)
_now = text("now()")
_empty = text("''")
_FIXED_ZONE = "Visitors see the times of the business, such as for services on site."
_EMBEDDING_SITES = "The origins whose pages may show the booking site in a frame."
_LINKS = "Links of appointments and waitlist entries that are older have ended; NULL: none has."
_LANGUAGE = "Of its pages and mails for people whose own language is not known."

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
    Column("fixed_zone", Boolean, nullable=False, server_default=text("false"), comment=_FIXED_ZONE),
    Column("embedding_sites", Text, nullable=False, server_default=_empty, comment=_EMBEDDING_SITES),
    Column("language", Text, nullable=False, server_default=text("'en'"), comment=_LANGUAGE),
    Column("closed_at", _instant),
    UniqueConstraint("slug", name="business_slug"),
    CheckConstraint("slug ~ '^[a-z0-9-]{3,40}$'"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'"),
    CheckConstraint("state IN ('opening', 'open')"),
    CheckConstraint("language ~ '^[a-z]{2}$'"),
    Index("business_opening", "created_at", postgresql_where=text("state = 'opening'")),
)

account = Table(
    "account",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("email", Text),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("is_operator", Boolean, nullable=False, server_default=text("false")),
    Column("is_viewer", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", _instant, nullable=False, server_default=_now),
    Column("unconfirmed_email", Text),
    Column("language", Text, comment="NULL until the user has chosen one."),
    Column("links_valid_from", _instant, comment=_LINKS),
    UniqueConstraint("email", name="account_email"),
    CheckConstraint("language ~ '^[a-z]{2}$'"),
    CheckConstraint("email = lower(email)"),
    CheckConstraint("unconfirmed_email = lower(unconfirmed_email)"),
    Index(
        "account_unconfirmed",
        "unconfirmed_email",
        "created_at",
        postgresql_where=text("unconfirmed_email IS NOT NULL"),
    ),
    Index(
        "account_expiring",
        "created_at",
        postgresql_where=text("email IS NULL AND unconfirmed_email IS NOT NULL"),
    ),
    Index("account_operators", "email", postgresql_where=text("is_operator OR is_viewer")),
)

membership = Table(
    "membership",
    metadata,
    Column("business_id", Uuid, ForeignKey(business.c.business_id), nullable=False),
    Column("user_id", Uuid, ForeignKey(account.c.user_id), nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", _instant, nullable=False, server_default=_now),
    PrimaryKeyConstraint("business_id", "user_id"),
    CheckConstraint("role IN ('owner', 'staff', 'reader', 'customer')"),
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
    Column("language", Text, comment="In which a guest has booked; NULL for that of the business."),
    PrimaryKeyConstraint("business_id", "customer_id"),
    CheckConstraint("language ~ '^[a-z]{2}$'"),
    UniqueConstraint("business_id", "creation_key", name="customer_creation_key"),
    Index("customer_by_id", "customer_id"),
    Index("customer_by_email", "business_id", "email", postgresql_where=text("email IS NOT NULL")),
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
    Column("address", Text, nullable=False, server_default=_empty),
    Column("program", Text, nullable=False, server_default=_empty),
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
    Column("expires_at", _instant, nullable=False, server_default=text("now() + interval '365 days'")),
    Column("address", Text, nullable=False, server_default=_empty),
    UniqueConstraint("secret_hash", name="api_token_secret"),
    CheckConstraint("role IN ('owner', 'staff', 'reader')"),
    Index("api_token_of_business", "business_id", postgresql_where=text("revoked_at IS NULL")),
    Index("api_token_of_creator", "created_by", postgresql_where=text("revoked_at IS NULL")),
)

sign_up = Table(
    "sign_up",
    metadata,
    Column("key_hash", LargeBinary, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("business_id", Uuid, nullable=False),
    Column("created_at", _instant, nullable=False, server_default=_now),
    Column("user_id", Uuid),
    Index("sign_up_by_age", "created_at"),
)

mail_token = Table(
    "mail_token",
    metadata,
    Column("secret_hash", LargeBinary, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("user_id", Uuid, ForeignKey(account.c.user_id), nullable=False),
    Column("email", Text, nullable=False, comment="Where the token was sent, which is all that it proves."),
    Column("expires_at", _instant, nullable=False),
    CheckConstraint("purpose IN ('confirm', 'reset')"),
    Index("mail_token_of_user", "user_id"),
    Index("mail_token_by_expiry", "expires_at"),
)

mail = Table(
    "mail",
    metadata,
    Column("mail_id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("subject_id", Uuid, comment="The account or the invitation that the mail is about."),
    Column("reference", Text, comment="The appointment whose link was lost, as the requester typed it."),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_attempt_at", _instant, nullable=False, server_default=_now),
    Column("created_at", _instant, nullable=False, server_default=_now),
    Column("content", JSONB, comment="Subject and paragraphs, for mails of other modules."),
    Index("mail_due", "next_attempt_at"),
)

invitation = Table(
    "invitation",
    metadata,
    Column("invitation_id", Uuid, primary_key=True),
    Column("business_id", Uuid, ForeignKey(business.c.business_id), nullable=False),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("invited_by", Uuid, ForeignKey(account.c.user_id), nullable=False),
    Column("secret_hash", LargeBinary, comment="NULL until the mail is sent."),
    Column("created_at", _instant, nullable=False, server_default=_now),
    Column("expires_at", _instant, nullable=False),
    UniqueConstraint("secret_hash", name="invitation_secret"),
    UniqueConstraint("business_id", "email", name="invitation_address"),
    CheckConstraint("email = lower(email)"),
    CheckConstraint("role IN ('owner', 'staff', 'reader')"),
    Index("invitation_by_expiry", "expires_at"),
)

throttle = Table(
    "throttle",
    metadata,
    Column("kind", Text, nullable=False),
    Column("bucket", Integer, nullable=False),
    Column("spent_until", _instant, nullable=False),
    PrimaryKeyConstraint("kind", "bucket"),
)
