"""Mails that wait until the customer has confirmed the e-mail address."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
# Code of 0004 sends what is pending and leaves other states alone.
oldest_code = "0004"

_HELD = """
ALTER TABLE notifications.message DROP CONSTRAINT message_state_check;
ALTER TABLE notifications.message
    ADD CONSTRAINT message_state_check CHECK (state IN ('pending', 'sent', 'failed', 'held'));
CREATE INDEX message_held ON notifications.message (user_id) WHERE state = 'held';
"""


def upgrade() -> None:
    op.execute(_HELD)
