"""A transaction may act for several businesses, and the confirmations of a series are one mail."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = ("message", "preference", "reminder")


_SERIES = """
ALTER TABLE notifications.message ADD COLUMN series_id uuid;
COMMENT ON COLUMN notifications.message.series_id IS 'The series, whose confirmations are sent as one mail.';
CREATE INDEX message_of_series ON notifications.message (series_id) WHERE state = 'pending' AND series_id IS NOT NULL;
"""


def upgrade() -> None:
    op.execute(_SERIES)
    for table in _TABLES:
        op.execute(f"""
            ALTER POLICY tenant ON notifications.{table} USING (business_id = ANY
                (string_to_array(NULLIF(current_setting('app.business_id', true), ''), ',')::uuid[]))
        """)
