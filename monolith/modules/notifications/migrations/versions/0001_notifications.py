"""Mails, preferences, reminders, and the tables of the event consumer."""

from alembic import op

from monolith.shared.events import create_consumer_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE notifications.message (
    message_id      uuid PRIMARY KEY,
    business_id     uuid NOT NULL,
    user_id         uuid NOT NULL,
    appointment_id  uuid NOT NULL,
    version         integer NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('confirmation', 'change', 'cancellation', 'reminder')),
    event           bytea NOT NULL,
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'failed')),
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    created_at      timestamptz NOT NULL DEFAULT now(),
    sent_at         timestamptz,
    problem         text,
    CONSTRAINT message_once UNIQUE (business_id, appointment_id, version, kind)
);
CREATE INDEX message_due ON notifications.message (next_attempt_at) WHERE state = 'pending';
CREATE INDEX message_by_business ON notifications.message (business_id, message_id);
COMMENT ON COLUMN notifications.message.event IS 'The event as received; the mail is composed when it is sent.';
COMMENT ON COLUMN notifications.message.problem IS 'The error of the last failed attempt.';

CREATE TABLE notifications.preference (
    business_id  uuid NOT NULL,
    user_id      uuid NOT NULL,
    confirmation boolean NOT NULL DEFAULT true,
    change       boolean NOT NULL DEFAULT true,
    cancellation boolean NOT NULL DEFAULT true,
    reminder     boolean NOT NULL DEFAULT true,
    PRIMARY KEY (business_id, user_id)
);

CREATE TABLE notifications.reminder (
    business_id    uuid NOT NULL,
    appointment_id uuid NOT NULL,
    version        integer NOT NULL,
    due_at         timestamptz NOT NULL,
    state          text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'void')),
    event          bytea NOT NULL,
    PRIMARY KEY (business_id, appointment_id, version)
);
CREATE INDEX reminder_due ON notifications.reminder (due_at) WHERE state = 'waiting';
"""

_ACCESS = """
GRANT SELECT, INSERT ON notifications.message TO notifications_app;
GRANT SELECT, INSERT, UPDATE ON notifications.preference, notifications.reminder TO notifications_app;

-- The sender processes due mails of all businesses; it can change delivery state only.
GRANT SELECT, INSERT ON notifications.message TO notifications_sender;
GRANT UPDATE (state, attempts, next_attempt_at, sent_at, problem) ON notifications.message TO notifications_sender;
GRANT SELECT, UPDATE (state) ON notifications.reminder TO notifications_sender;
GRANT SELECT ON notifications.preference TO notifications_sender;
"""


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(_ACCESS)
    for table in ("message", "preference", "reminder"):
        op.execute(f"""
            ALTER TABLE notifications.{table} ENABLE ROW LEVEL SECURITY;
            ALTER TABLE notifications.{table} FORCE ROW LEVEL SECURITY;
            CREATE POLICY tenant ON notifications.{table} TO notifications_app
                USING (business_id = NULLIF(current_setting('app.business_id', true), '')::uuid);
            CREATE POLICY sender ON notifications.{table} TO notifications_sender USING (true);
        """)
    create_consumer_tables(op, "notifications", "notifications_app")
