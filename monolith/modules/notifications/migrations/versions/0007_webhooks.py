"""Signed webhooks of businesses: receivers, their secrets, and deliveries."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
# Code of 0004 neither reads nor writes the new tables.
oldest_code = "0004"

_TABLES = """
CREATE TABLE notifications.webhook (
    webhook_id    uuid PRIMARY KEY,
    business_id   uuid NOT NULL,
    url           text NOT NULL,
    name          text NOT NULL,
    events        text[] NOT NULL,
    created_by    uuid NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    failing_since timestamptz,
    disabled_at   timestamptz
);
CREATE INDEX webhook_by_business ON notifications.webhook (business_id, created_at);
COMMENT ON COLUMN notifications.webhook.failing_since IS 'The first failure since the last success.';

CREATE TABLE notifications.webhook_secret (
    secret_id   uuid PRIMARY KEY,
    business_id uuid NOT NULL,
    webhook_id  uuid NOT NULL REFERENCES notifications.webhook ON DELETE CASCADE,
    secret      bytea NOT NULL,
    expires_at  timestamptz
);
CREATE INDEX webhook_secret_of ON notifications.webhook_secret (webhook_id);
COMMENT ON COLUMN notifications.webhook_secret.expires_at IS 'When a replaced secret stops signing; NULL: the newest.';

CREATE TABLE notifications.webhook_delivery (
    delivery_id     uuid PRIMARY KEY,
    business_id     uuid NOT NULL,
    webhook_id      uuid NOT NULL REFERENCES notifications.webhook ON DELETE CASCADE,
    event_type      text NOT NULL,
    payload         bytea NOT NULL,
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    created_at      timestamptz NOT NULL DEFAULT now(),
    delivered_at    timestamptz,
    status          integer,
    problem         text
);
CREATE INDEX webhook_delivery_due ON notifications.webhook_delivery (next_attempt_at) WHERE state = 'pending';
CREATE INDEX webhook_delivery_of ON notifications.webhook_delivery (webhook_id, delivery_id);
COMMENT ON COLUMN notifications.webhook_delivery.payload IS 'The body, the same at each attempt.';
COMMENT ON COLUMN notifications.webhook_delivery.status IS 'The HTTP status of the last attempt that had a reply.';
"""

_ACCESS = """
GRANT SELECT, INSERT, DELETE, UPDATE (disabled_at, failing_since) ON notifications.webhook TO notifications_app;
GRANT SELECT, INSERT, DELETE, UPDATE (expires_at) ON notifications.webhook_secret TO notifications_app;
GRANT SELECT, INSERT, UPDATE (state, attempts, next_attempt_at)
    ON notifications.webhook_delivery TO notifications_app;

-- The sender delivers for all businesses; it can change delivery state only, and deletes old deliveries.
GRANT SELECT, UPDATE (disabled_at, failing_since) ON notifications.webhook TO notifications_sender;
GRANT SELECT ON notifications.webhook_secret TO notifications_sender;
GRANT SELECT, DELETE, UPDATE (state, attempts, next_attempt_at, delivered_at, status, problem)
    ON notifications.webhook_delivery TO notifications_sender;
"""


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(_ACCESS)
    for table in ("webhook", "webhook_secret", "webhook_delivery"):
        op.execute(f"""
            ALTER TABLE notifications.{table} ENABLE ROW LEVEL SECURITY;
            ALTER TABLE notifications.{table} FORCE ROW LEVEL SECURITY;
            CREATE POLICY tenant ON notifications.{table} TO notifications_app
                USING (business_id = ANY
                    (string_to_array(NULLIF(current_setting('app.business_id', true), ''), ',')::uuid[]));
            CREATE POLICY sender ON notifications.{table} TO notifications_sender USING (true);
        """)
