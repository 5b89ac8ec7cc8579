"""Businesses take turns in the delivery of webhooks."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
# As before. A sender of older code claims deliveries without a turn; row locks keep it from those of a turn.
oldest_code = "0004"

_TURNS = """
CREATE TABLE notifications.webhook_turn (
    business_id uuid PRIMARY KEY,
    began_at    timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL
);
COMMENT ON TABLE notifications.webhook_turn IS 'The last turn of a business, in which one sender posts its deliveries.';
COMMENT ON COLUMN notifications.webhook_turn.ends_at IS 'When a sender may take the next one.';
CREATE INDEX webhook_delivery_next ON notifications.webhook_delivery (webhook_id, next_attempt_at)
    WHERE state = 'pending';

GRANT SELECT, INSERT, DELETE, UPDATE (began_at, ends_at) ON notifications.webhook_turn TO notifications_sender;
ALTER TABLE notifications.webhook_turn ENABLE ROW LEVEL SECURITY;
ALTER TABLE notifications.webhook_turn FORCE ROW LEVEL SECURITY;
CREATE POLICY sender ON notifications.webhook_turn TO notifications_sender USING (true);
"""


def upgrade() -> None:
    op.execute(_TURNS)
