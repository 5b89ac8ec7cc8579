"""Which automatic rollbacks were reported to operators."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
# Older code ignores the column.
oldest_code = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE cutover.rollback_policy ADD COLUMN reported_at timestamptz")
    op.execute(
        "COMMENT ON COLUMN cutover.rollback_policy.reported_at IS 'When a rollback was reported to the operators.'"
    )
    # Rollbacks of before are no news.
    op.execute("UPDATE cutover.rollback_policy SET reported_at = ended_at WHERE outcome = 'returned'")
    op.execute(
        "CREATE INDEX rollback_policy_unreported ON cutover.rollback_policy (ended_at) "
        "WHERE outcome = 'returned' AND reported_at IS NULL"
    )
    op.execute("GRANT UPDATE (reported_at) ON cutover.rollback_policy TO cutover_app")
