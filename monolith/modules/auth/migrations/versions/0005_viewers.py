"""The role of viewers, who see the operator console and change nothing."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
# As before: older code ignores the column.
oldest_code = "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE auth.account ADD COLUMN is_viewer boolean NOT NULL DEFAULT false")
    op.execute("CREATE INDEX account_operators ON auth.account (email) WHERE is_operator OR is_viewer")
