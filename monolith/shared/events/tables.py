"""The three tables of a consumer, which each consuming module has in its own schema.

They hold data of all businesses and no request reads them, so they have no row-level security.
"""

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
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


@dataclass(frozen=True, slots=True)
class ConsumerTables:
    """`inbox` records applied events, which makes redelivery harmless; `inbox_pruning.py` deletes old rows.

    `early_event` stores events that arrived before their predecessor, `dead_letter` events that could not be applied.
    """

    inbox: Table
    early_event: Table
    dead_letter: Table


def consumer_tables(metadata: MetaData, schema: str) -> ConsumerTables:
    """Define the tables for the module's `tables.py`."""
    now = text("now()")
    inbox = Table(
        "inbox",
        metadata,
        Column("event_id", Uuid, primary_key=True),
        Column("appointment_id", Uuid, nullable=False),
        Column("version", Integer, nullable=False),
        Column("applied_at", DateTime(timezone=True), nullable=False, server_default=now),
        Column(
            "is_final",
            Boolean,
            nullable=False,
            server_default=text("false"),
            comment="Whether the appointment cannot change after this event.",
        ),
        UniqueConstraint("appointment_id", "version", name="inbox_version"),
        schema=schema,
    )
    early_event = Table(
        "early_event",
        metadata,
        Column("appointment_id", Uuid),
        Column("version", Integer),
        Column("payload", LargeBinary, nullable=False),
        Column("arrived_at", DateTime(timezone=True), nullable=False, server_default=now),
        PrimaryKeyConstraint("appointment_id", "version"),
        schema=schema,
    )
    return ConsumerTables(inbox, early_event, _dead_letter_table(metadata, schema))


def _dead_letter_table(metadata: MetaData, schema: str) -> Table:
    return Table(
        "dead_letter",
        metadata,
        Column("entry_id", Text, primary_key=True),
        Column("stated_id", Text, nullable=False),
        Column("event_id", Uuid),
        Column("appointment_id", Uuid),
        Column("version", Integer),
        Column("payload", LargeBinary, nullable=False),
        Column("reason", Text, nullable=False),
        Column("died_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
        Column("replayed_at", DateTime(timezone=True)),
        Index("dead_letter_event", "event_id", unique=True),
        schema=schema,
    )


class AlembicOperations(Protocol):
    """The part of `alembic.op` that is used here."""

    def execute(self, sqltext: str) -> None: ...


def create_consumer_tables(op: AlembicOperations, schema: str, role: str) -> None:
    """Create the tables; called by the module's first migration. `role` is the consumer's."""
    op.execute(f"""
        CREATE TABLE {schema}.inbox (
            event_id       uuid PRIMARY KEY,
            appointment_id uuid NOT NULL,
            version        integer NOT NULL,
            applied_at     timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT inbox_version UNIQUE (appointment_id, version)
        )""")
    op.execute(f"""
        CREATE TABLE {schema}.early_event (
            appointment_id uuid,
            version        integer,
            payload        bytea NOT NULL,
            arrived_at     timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (appointment_id, version)
        )""")
    op.execute(f"""
        CREATE TABLE {schema}.dead_letter (
            entry_id       text PRIMARY KEY,
            stated_id      text NOT NULL,
            event_id       uuid,
            appointment_id uuid,
            version        integer,
            payload        bytea NOT NULL,
            reason         text NOT NULL,
            died_at        timestamptz NOT NULL DEFAULT now(),
            replayed_at    timestamptz
        )""")
    op.execute(f"CREATE UNIQUE INDEX dead_letter_event ON {schema}.dead_letter (event_id)")
    op.execute(f"GRANT SELECT, INSERT ON {schema}.inbox TO {role}")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON {schema}.early_event TO {role}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.dead_letter TO {role}")


def allow_pruning(op: AlembicOperations, schema: str, role: str) -> None:
    """Prepare the inbox for `InboxPruner`; called by a later migration. `role` is the consumer's.

    Rows that exist by then count as not final.
    """
    op.execute(f"ALTER TABLE {schema}.inbox ADD COLUMN is_final boolean NOT NULL DEFAULT false")
    comment = "Whether the appointment cannot change after this event."
    op.execute(f"COMMENT ON COLUMN {schema}.inbox.is_final IS '{comment}'")
    op.execute(f"GRANT DELETE ON {schema}.inbox TO {role}")
