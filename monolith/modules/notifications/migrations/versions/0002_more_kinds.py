"""Mails about requests, offers and missed appointments."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE notifications.message
            DROP CONSTRAINT message_kind_check,
            ADD CONSTRAINT message_kind_check CHECK (kind IN (
                'confirmation', 'change', 'cancellation', 'reminder', 'request', 'decline', 'offer', 'no_show'));
    """)
