"""SQLAlchemy definitions of the tables; a test compares them with the migrated schema."""

from sqlalchemy import (
    Boolean,
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
from sqlalchemy.dialects.postgresql import ARRAY

from monolith.shared.events import consumer_tables

SCHEMA = "notifications"
metadata = MetaData(schema=SCHEMA)

_instant = DateTime(timezone=True)
_now = text("now()")
_on = text("true")
_off = text("false")

message = Table(
    "message",
    metadata,
    Column("message_id", Uuid, primary_key=True),
    Column("business_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("appointment_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column(
        "event",
        LargeBinary,
        nullable=False,
        comment="The event as received; the mail is composed when it is sent.",
    ),
    Column("state", Text, nullable=False, server_default=text("'pending'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_attempt_at", _instant, nullable=False, server_default=_now),
    Column("created_at", _instant, nullable=False, server_default=_now),
    Column("sent_at", _instant),
    Column("series_id", Uuid, comment="The series, whose confirmations are sent as one mail."),
    Column("problem", Text, comment="The error of the last failed attempt."),
    UniqueConstraint("business_id", "appointment_id", "version", "kind", name="message_once"),
    Index("message_due", "next_attempt_at", postgresql_where=text("state = 'pending'")),
    Index("message_of_series", "series_id", postgresql_where=text("state = 'pending' AND series_id IS NOT NULL")),
    Index("message_held", "user_id", postgresql_where=text("state = 'held'")),
    Index("message_by_business", "business_id", "message_id"),
)

preference = Table(
    "preference",
    metadata,
    Column("business_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("confirmation", Boolean, nullable=False, server_default=_on),
    Column("change", Boolean, nullable=False, server_default=_on),
    Column("cancellation", Boolean, nullable=False, server_default=_on),
    Column("reminder", Boolean, nullable=False, server_default=_on),
    PrimaryKeyConstraint("business_id", "user_id"),
    Index("preference_of_user", "user_id"),
)

business_notice = Table(
    "business_notice",
    metadata,
    Column("business_id", Uuid, primary_key=True),
    Column("bookings", Boolean, nullable=False, server_default=_off),
    Column("requests", Boolean, nullable=False, server_default=_off),
    Column("changes", Boolean, nullable=False, server_default=_off),
    Column("cancellations", Boolean, nullable=False, server_default=_off),
)

reminder = Table(
    "reminder",
    metadata,
    Column("business_id", Uuid, nullable=False),
    Column("appointment_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("due_at", _instant, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    Column("event", LargeBinary, nullable=False),
    PrimaryKeyConstraint("business_id", "appointment_id", "version"),
    Index("reminder_due", "due_at", postgresql_where=text("state = 'waiting'")),
    Index("reminder_settled", "due_at", postgresql_where=text("state <> 'waiting'")),
)

webhook = Table(
    "webhook",
    metadata,
    Column("webhook_id", Uuid, primary_key=True),
    Column("business_id", Uuid, nullable=False),
    Column("url", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("events", ARRAY(Text), nullable=False),
    Column("created_by", Uuid, nullable=False),
    Column("created_at", _instant, nullable=False, server_default=_now),
    Column("failing_since", _instant, comment="The first failure since the last success."),
    Column("disabled_at", _instant),
    Index("webhook_by_business", "business_id", "created_at"),
)

webhook_secret = Table(
    "webhook_secret",
    metadata,
    Column("secret_id", Uuid, primary_key=True),
    Column("business_id", Uuid, nullable=False),
    Column("webhook_id", Uuid, ForeignKey("notifications.webhook.webhook_id", ondelete="CASCADE"), nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("expires_at", _instant, comment="When a replaced secret stops signing; NULL: the newest."),
    Index("webhook_secret_of", "webhook_id"),
)

webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    Column("delivery_id", Uuid, primary_key=True),
    Column("business_id", Uuid, nullable=False),
    Column("webhook_id", Uuid, ForeignKey("notifications.webhook.webhook_id", ondelete="CASCADE"), nullable=False),
    Column("event_type", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False, comment="The body, the same at each attempt."),
    Column("state", Text, nullable=False, server_default=text("'pending'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_attempt_at", _instant, nullable=False, server_default=_now),
    Column("created_at", _instant, nullable=False, server_default=_now),
    Column("delivered_at", _instant),
    Column("status", Integer, comment="The HTTP status of the last attempt that had a reply."),
    Column("problem", Text),
    Index("webhook_delivery_due", "next_attempt_at", postgresql_where=text("state = 'pending'")),
    Index("webhook_delivery_of", "webhook_id", "delivery_id"),
    Index("webhook_delivery_next", "webhook_id", "next_attempt_at", postgresql_where=text("state = 'pending'")),
)

webhook_turn = Table(
    "webhook_turn",
    metadata,
    Column("business_id", Uuid, primary_key=True),
    Column("began_at", _instant, nullable=False),
    Column("ends_at", _instant, nullable=False, comment="When a sender may take the next one."),
    comment="The last turn of a business, in which one sender posts its deliveries.",
)

consumer = consumer_tables(metadata, SCHEMA)
