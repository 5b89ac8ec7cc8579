"""Tables of appointments, their claims and sessions, the waitlist and the history."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from scheduling_service.engine.tables.declarations import business_foreign_key, instant, metadata
from scheduling_service.engine.tables.rules import offering, provider

# The exclusion constraint `claim_no_overlap` (migrations/versions/0002_tables.sql) prevents double booking. It is not
# declared here. Rows are inserted by `store.claims.claim_time`, which calls `take_time`.
claim = Table(
    "claim",
    metadata,
    Column("business_id", Uuid, nullable=False),
    Column("resource_id", Uuid, nullable=False, comment="The id of a provider or of a resource."),
    Column(
        "holder_id", Uuid, nullable=False, comment="The appointment, or the session that several appointments share."
    ),
    Column("offering_id", Uuid, nullable=False),
    Column("starts_at", instant, nullable=False),
    Column("ends_at", instant, nullable=False),
    Column(
        "expires_at",
        instant,
        comment="The expiry of a hold; then the claim occupies no time, and a booking that needs the time deletes it.",
    ),
    Column("overbooked", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("business_id", "resource_id", "holder_id"),
    Index(
        "claim_by_time",
        "business_id",
        "resource_id",
        "starts_at",
        postgresql_include=["ends_at", "expires_at"],
    ),
    Index("claim_by_holder", "business_id", "holder_id"),
    comment="One row per provider and resource that a holder occupies, including the buffers around the appointment.",
)

session = Table(
    "session",
    metadata,
    Column("business_id", Uuid, nullable=False),
    Column("session_id", Uuid, nullable=False),
    Column("offering_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("starts_at", instant, nullable=False),
    Column("ends_at", instant, nullable=False),
    Column("capacity", SmallInteger, nullable=False),
    Column("seats_taken", SmallInteger, nullable=False),
    PrimaryKeyConstraint("business_id", "session_id"),
    business_foreign_key(offering, "offering_id"),
    business_foreign_key(provider, "provider_id"),
    Index("session_by_time", "business_id", "provider_id", "starts_at"),
    comment="A time of an offering with several seats; holds the claims, and is deleted with its last seat.",
)

appointment = Table(
    "appointment",
    metadata,
    Column("business_id", Uuid, nullable=False),
    Column("appointment_id", Uuid, nullable=False),
    Column("offering_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("starts_at", instant, nullable=False),
    Column("ends_at", instant, nullable=False),
    Column("zone", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("note", Text, nullable=False),
    Column("booked_at", instant, nullable=False),
    Column("cancelled_at", instant),
    Column("cancel_reason", Text),
    Column("cancelled_in_time", Boolean),
    Column("session_id", Uuid, comment="The session whose seats it occupies; null if the offering has one seat."),
    Column("provider_ids", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),
    Column("resource_ids", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),
    Column("seats", SmallInteger, nullable=False, server_default=text("1")),
    Column("hold_expires_at", instant),
    Column("series_id", Uuid),
    Column("visit_id", Uuid),
    Column("overbooked", Boolean, nullable=False, server_default=text("false")),
    Column("reschedules", SmallInteger, nullable=False, server_default=text("0")),
    Column("fee_percent", SmallInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("business_id", "appointment_id"),
    business_foreign_key(offering, "offering_id"),
    business_foreign_key(provider, "provider_id"),
    Index(
        "appointment_by_provider",
        "business_id",
        "provider_id",
        "starts_at",
        "appointment_id",
        postgresql_where=text("status NOT IN ('cancelled', 'declined', 'expired')"),
    ),
    Index("appointment_by_customer", "business_id", "customer_id", "starts_at", "appointment_id"),
    Index("appointment_by_start", "business_id", "starts_at", "appointment_id"),
    Index("appointment_by_series", "business_id", "series_id", postgresql_where=text("series_id IS NOT NULL")),
    Index("appointment_by_visit", "business_id", "visit_id", postgresql_where=text("visit_id IS NOT NULL")),
    Index("appointment_by_session", "business_id", "session_id", postgresql_where=text("session_id IS NOT NULL")),
    Index("appointment_overdue", "hold_expires_at", postgresql_where=text("status = 'held'")),
)

assignment = Table(
    "assignment",
    metadata,
    Column("business_id", Uuid, nullable=False),
    Column("offering_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column(
        "last_assigned",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="The number of the provider's last assignment, counted per offering; 0 if never.",
    ),
    Column(
        "pass",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="The pass of stride scheduling: the lowest is next, and increases by 1000000 / weight.",
    ),
    PrimaryKeyConstraint("business_id", "offering_id", "provider_id"),
    business_foreign_key(offering, "offering_id"),
    business_foreign_key(provider, "provider_id"),
    comment="The rotation of providers for bookings that name no provider.",
)

waitlist = Table(
    "waitlist",
    metadata,
    Column("business_id", Uuid, nullable=False),
    Column("entry_id", Uuid, nullable=False),
    Column("offering_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("provider_id", Uuid),
    Column("starts_at", instant, nullable=False),
    Column("ends_at", instant, nullable=False),
    Column("seats", SmallInteger, nullable=False),
    Column("offer_minutes", SmallInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("joined_at", instant, nullable=False),
    Column("appointment_id", Uuid),
    PrimaryKeyConstraint("business_id", "entry_id"),
    business_foreign_key(offering, "offering_id"),
    business_foreign_key(provider, "provider_id"),
    business_foreign_key(appointment, "appointment_id"),
    Index("waitlist_waiting", "business_id", "joined_at", "entry_id", postgresql_where=text("status = 'waiting'")),
    Index("waitlist_by_join", "business_id", "joined_at", "entry_id"),
    Index("waitlist_by_offer", "business_id", "appointment_id", postgresql_where=text("appointment_id IS NOT NULL")),
)

history = Table(
    "history",
    metadata,
    Column("business_id", Uuid, nullable=False),
    Column("appointment_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("overridden", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column(
        "after", LargeBinary, nullable=False, comment="The appointment at this version, as encoded by the contract."
    ),
    Column(
        "reason", Text, nullable=False, server_default=text("''"), comment="Why staff overrode a rule, if they said so."
    ),
    PrimaryKeyConstraint("business_id", "appointment_id", "version"),
    Index("history_by_time", "business_id", "at"),
    comment="Every version of every appointment, and the actor that made it. Append-only: the running role may "
    "not change or delete rows.",
)
