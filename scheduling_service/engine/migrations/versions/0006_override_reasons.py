"""The history says why staff overrode a rule."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
# Older code inserts entries without a reason.
oldest_code = "0003"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE scheduling.history ADD COLUMN reason text NOT NULL DEFAULT '';
        COMMENT ON COLUMN scheduling.history.reason IS 'Why staff overrode a rule, if they said so.';
    """)
