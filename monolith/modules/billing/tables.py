"""SQLAlchemy definitions of the tables; a test compares them with the migrated schema.

Row-level security, immutability and the triggers that check sums are defined in the migrations only.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from monolith.shared.events import consumer_tables

SCHEMA = "billing"
metadata = MetaData(schema=SCHEMA)

_instant = DateTime(timezone=True)
_now = text("clock_timestamp()")


def _business() -> Column[object]:
    return Column("business_id", Uuid, nullable=False)


price = Table(
    "price",
    metadata,
    _business(),
    Column("price_id", Uuid, nullable=False),
    Column("offering_id", Uuid, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("valid_from", _instant, nullable=False, server_default=_now),
    Column("set_by", Uuid, nullable=False),
    PrimaryKeyConstraint("business_id", "price_id"),
    Index("price_in_force", "business_id", "offering_id", "valid_from", "price_id"),
    comment="Append-only: the newest row at an instant is the price at that instant.",
)

number_series = Table(
    "number_series",
    metadata,
    _business(),
    Column("document", Text, nullable=False),
    Column("last_number", BigInteger, nullable=False),
    PrimaryKeyConstraint("business_id", "document"),
)

invoice = Table(
    "invoice",
    metadata,
    _business(),
    Column("number", BigInteger, nullable=False),
    Column("appointment_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("currency", Text, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("issued_at", _instant, nullable=False, server_default=_now),
    Column("subject", Text, nullable=False, server_default=text("'appointment'")),
    Column(
        "appointment_version",
        BigInteger,
        nullable=False,
        server_default=text("1"),
        comment="The version of the appointment that the invoice charges.",
    ),
    PrimaryKeyConstraint("business_id", "number"),
    UniqueConstraint("business_id", "appointment_id", "appointment_version", name="invoice_of_appointment"),
    UniqueConstraint("business_id", "number", "currency", name="invoice_currency"),
    Index("invoice_by_customer", "business_id", "customer_id", "number"),
)
Index(
    "invoice_of_price",
    invoice.c.business_id,
    invoice.c.appointment_id,
    unique=True,
    postgresql_where=invoice.c.subject == "appointment",
)

_invoice_key = ["business_id", "invoice_number"]
_same_invoice = [invoice.c.business_id, invoice.c.number]

invoice_line = Table(
    "invoice_line",
    metadata,
    _business(),
    Column("invoice_number", BigInteger, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("description", Text, nullable=False),
    Column("offering_id", Uuid, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    PrimaryKeyConstraint("business_id", "invoice_number", "position"),
    ForeignKeyConstraint(_invoice_key, _same_invoice),
)

credit_note = Table(
    "credit_note",
    metadata,
    _business(),
    Column("number", BigInteger, nullable=False),
    Column("invoice_number", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("issued_at", _instant, nullable=False, server_default=_now),
    PrimaryKeyConstraint("business_id", "number"),
    UniqueConstraint("business_id", "invoice_number", name="credit_note_of_invoice"),
    ForeignKeyConstraint(
        [*_invoice_key, "currency"],
        [*_same_invoice, invoice.c.currency],
        name="credit_note_same_currency",
    ),
)

payment = Table(
    "payment",
    metadata,
    _business(),
    Column("payment_id", Uuid, nullable=False),
    Column("invoice_number", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("recorded_at", _instant, nullable=False, server_default=_now),
    Column("recorded_by", Uuid, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("business_id", "payment_id"),
    UniqueConstraint("business_id", "recorded_by", "idempotency_key", name="payment_once"),
    ForeignKeyConstraint(_invoice_key, _same_invoice),
    Index("payment_of_invoice", "business_id", "invoice_number", "payment_id"),
)

consumer = consumer_tables(metadata, SCHEMA)
