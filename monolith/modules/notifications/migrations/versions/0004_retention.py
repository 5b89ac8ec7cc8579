"""Old mails, reminders and inbox rows are pruned."""

from alembic import op

from monolith.shared.events import allow_pruning

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        GRANT DELETE ON notifications.message, notifications.reminder TO notifications_sender;
        CREATE INDEX reminder_settled ON notifications.reminder (due_at) WHERE state <> 'waiting';
    """)
    allow_pruning(op, "notifications", "notifications_app")
