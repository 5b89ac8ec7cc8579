"""The tables of schema `cutover`."""

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

SCHEMA = "cutover"
metadata = MetaData(schema=SCHEMA)
_instant = DateTime(timezone=True)
_now = text("now()")
_clock = text("clock_timestamp()")
_zero = text("0")

database = Table(
    "database",
    metadata,
    Column("name", Text, primary_key=True),
    Column(
        "state",
        Text,
        nullable=False,
        server_default=text("'active'"),
        comment="active, or draining: no new business is opened in it.",
    ),
    Column(
        "partner",
        Text,
        ForeignKey("cutover.database.name"),
        comment="The other database of the pair with which it replicates, or would; mutual, so a database is in one "
        "pair at most.",
    ),
    Column(
        "businesses",
        ARRAY(Uuid),
        comment="The businesses that the pair replicates; null: every one that either database owns.",
    ),
    Column("service_url", Text, comment="The scheduling service that serves this database."),
    Column(
        "database_url",
        Text,
        comment="The database past any pooler, without credentials, as the control plane reaches it.",
    ),
    Column(
        "seen_from_others",
        Text,
        comment="host:port at which the servers of other databases reach this one, if it differs.",
    ),
    Column(
        "secret_setting",
        Text,
        comment="The setting with the secret of its roles; null: SCHEDULING_DATABASE_ROLE_SECRET.",
    ),
    Column("added_at", _instant, nullable=False, server_default=_clock),
    Column("added_by", Text, nullable=False),
    comment="The databases that can own businesses. The addresses of the first two are settings.",
)

ownership = Table(
    "ownership",
    metadata,
    Column("business_id", Uuid, primary_key=True),
    Column("owner", Text, ForeignKey(database.c.name), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("decided_at", _instant, nullable=False, server_default=_now),
    Column(
        "attempt",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="Number of cutovers started for the business; identifies its fences.",
    ),
    Column(
        "incarnation",
        Text,
        nullable=False,
        server_default=text("cutover.incarnation()"),
        comment="Incarnation of this server in which the row was recorded or confirmed; in another one it is doubtful.",
    ),
    Index("ownership_by_owner", "owner"),
    comment="The routing table: the database that owns a business. A cutover is decided by one update of one row of "
    "it.",
)

cutover = Table(
    "cutover",
    metadata,
    Column("cutover_id", Uuid, primary_key=True),
    Column("business_id", Uuid, ForeignKey(ownership.c.business_id), nullable=False),
    Column("source", Text, ForeignKey(database.c.name), nullable=False),
    Column("target", Text, ForeignKey(database.c.name), nullable=False),
    Column("epoch", BigInteger, nullable=False, comment="Epoch of the source; the target gets the next one."),
    Column("attempt", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("fence_seconds", REAL, nullable=False),
    Column(
        "deadline_at",
        _instant,
        comment="After this time, by this database's clock, the cutover can only be aborted, by any process.",
    ),
    Column(
        "compared_from",
        _instant,
        comment="By the source's clock: later changes are compared again inside the fence.",
    ),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("problem", Text),
    Column(
        "steps",
        JSONB,
        nullable=False,
        server_default=text("'[]'"),
        comment="Each transition: state, time, process and findings.",
    ),
    Column("began_at", _instant, nullable=False, server_default=_clock),
    Column("settled_at", _instant, comment="When exactly one database was known to hold an active lease again."),
    Column(
        "target_incarnation", Text, comment="Incarnation of the target's server at the start; expected at activation."
    ),
    Index("cutover_one_at_a_time", "business_id", unique=True, postgresql_where=text("settled_at IS NULL")),
    Index("cutover_by_time", "began_at", "cutover_id"),
    comment="A cutover of one business. Every transition is a compare-and-swap on `state`.",
)

server = Table(
    "server",
    metadata,
    Column("name", Text, ForeignKey(database.c.name), primary_key=True),
    Column("incarnation", Text, nullable=False),
    Column("confirmed_at", _instant, nullable=False, server_default=_clock),
    Column("confirmed_by", Text, nullable=False),
    comment="The incarnation of each database's server that the record has been compared with.",
)

verification = Table(
    "verification",
    metadata,
    Column("verification_id", Uuid, primary_key=True),
    Column("business_id", Uuid, nullable=False),
    Column("verified_at", _instant, nullable=False, server_default=_clock),
    Column("equal", Boolean, nullable=False),
    Column("findings", JSONB, nullable=False),
    Index("verification_latest", "business_id", "verified_at"),
)

rollback_policy = Table(
    "rollback_policy",
    metadata,
    Column("policy_id", Uuid, primary_key=True),
    Column("business_id", Uuid, ForeignKey(ownership.c.business_id), nullable=False),
    Column("cutover_id", Uuid, ForeignKey(cutover.c.cutover_id), nullable=False, unique=True),
    Column("home", Text, ForeignKey(database.c.name), nullable=False),
    Column("most_failed", REAL, nullable=False, comment="Maximum share of failed calls, 0 to 1."),
    Column("p95_ms", REAL, nullable=False),
    Column("for_seconds", REAL, nullable=False),
    Column("began_at", _instant, nullable=False, server_default=_clock),
    Column("until", _instant, nullable=False),
    Column("problem", Text, comment="Why the rollback has not succeeded yet."),
    Column("outcome", Text),
    Column("ended_at", _instant),
    Column("reported_at", _instant, comment="When a rollback was reported to the operators."),
    Index("rollback_policy_one_at_a_time", "business_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    Index(
        "rollback_policy_unreported",
        "ended_at",
        postgresql_where=text("outcome = 'returned' AND reported_at IS NULL"),
    ),
    comment="After a cutover: roll back to `home` if calls for the business exceed a limit for `for_seconds`.",
)

call_count = Table(
    "call_count",
    metadata,
    Column("policy_id", Uuid, ForeignKey(rollback_policy.c.policy_id), primary_key=True),
    Column("began_at", _instant, primary_key=True),
    Column("calls", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("slow", BigInteger, nullable=False),
    comment="Per second of this database's clock: calls for businesses with a rollback policy, of all processes.",
)

shadow_read = Table(
    "shadow_read",
    metadata,
    Column("operation", Text, primary_key=True),
    Column("began_at", _instant, primary_key=True),
    Column("compared", BigInteger, nullable=False, server_default=_zero),
    Column("different", BigInteger, nullable=False, server_default=_zero),
    Column("failed", BigInteger, nullable=False, server_default=_zero),
    Column("dropped", BigInteger, nullable=False, server_default=_zero),
    Column("owner_ms", Double, nullable=False, server_default=_zero),
    Column("candidate_ms", Double, nullable=False, server_default=_zero),
    Column("example", JSONB, comment="One difference: the business, the request and both replies, truncated."),
    comment="Per operation and minute: comparisons, differences, and the total time of both databases.",
)
