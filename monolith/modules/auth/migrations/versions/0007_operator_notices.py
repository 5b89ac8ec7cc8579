"""Mails to operators, whose text is not derived from an account."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
# As before: older code ignores the column, and drops the mails that it does not know.
oldest_code = "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE auth.mail ADD COLUMN content jsonb")
    op.execute("COMMENT ON COLUMN auth.mail.content IS 'Subject and paragraphs, for mails of other modules.'")
