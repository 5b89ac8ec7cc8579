"""When links that act for an account without its session have ended."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None
# As before: older code ignores the new column, which may be empty.
oldest_code = "0002"

_COMMENT = "Links of appointments and waitlist entries that are older have ended; NULL: none has."


def upgrade() -> None:
    op.execute(f"""
        ALTER TABLE auth.account ADD COLUMN links_valid_from timestamptz;
        COMMENT ON COLUMN auth.account.links_valid_from IS '{_COMMENT}';
    """)
