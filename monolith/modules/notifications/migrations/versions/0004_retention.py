"""Old mails, reminders and inbox rows are pruned."""

from alembic import op

from monolith.shared.events import allow_pruning

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
# The new column has a default, so code of 0003 still inserts.
oldest_code = "0003"


def upgrade() -> None:
    op.execute("""
        GRANT DELETE ON notifications.message, notifications.reminder TO notifications_sender;
        CREATE INDEX reminder_settled ON notifications.reminder (due_at) WHERE state <> 'waiting';
    """)
    allow_pruning(op, "notifications", "notifications_app")
