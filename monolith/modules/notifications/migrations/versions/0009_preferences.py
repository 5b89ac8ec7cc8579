"""Preferences of an account end when the owner of its address takes it over."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
# As before: older code does not depend on the new grant and index.
oldest_code = "0004"


def upgrade() -> None:
    op.execute("""
        CREATE INDEX preference_of_user ON notifications.preference (user_id);
        GRANT DELETE ON notifications.preference TO notifications_sender;
    """)
