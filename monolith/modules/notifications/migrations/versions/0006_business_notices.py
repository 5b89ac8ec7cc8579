"""Mails to the business about bookings, requests, changes and cancellations."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
# Code of 0004 neither reads nor writes the new table, and stores only the kinds it knows. Its sender cannot send the
# new ones, so deploy workers before switching notices on.
oldest_code = "0004"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE notifications.message
            DROP CONSTRAINT message_kind_check,
            ADD CONSTRAINT message_kind_check CHECK (kind IN (
                'confirmation', 'change', 'cancellation', 'reminder', 'request', 'decline', 'offer', 'no_show',
                'business_booking', 'business_request', 'business_change', 'business_cancellation'));
        CREATE TABLE notifications.business_notice (
            business_id   uuid PRIMARY KEY,
            bookings      boolean NOT NULL DEFAULT false,
            requests      boolean NOT NULL DEFAULT false,
            changes       boolean NOT NULL DEFAULT false,
            cancellations boolean NOT NULL DEFAULT false
        );
        GRANT SELECT, INSERT, UPDATE ON notifications.business_notice TO notifications_app;
        ALTER TABLE notifications.business_notice ENABLE ROW LEVEL SECURITY;
        ALTER TABLE notifications.business_notice FORCE ROW LEVEL SECURITY;
        CREATE POLICY tenant ON notifications.business_notice TO notifications_app
            USING (business_id = ANY
                (string_to_array(NULLIF(current_setting('app.business_id', true), ''), ',')::uuid[]));
    """)
