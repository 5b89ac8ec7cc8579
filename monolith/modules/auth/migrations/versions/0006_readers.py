"""The role of readers, who see what the staff of a business sees and change nothing."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
# As before. Older code does not know the role, so do not assign it until every process is new.
oldest_code = "0002"


def upgrade() -> None:
    for table, roles in (
        ("membership", "'owner', 'staff', 'reader', 'customer'"),
        ("api_token", "'owner', 'staff', 'reader'"),
        ("invitation", "'owner', 'staff', 'reader'"),
    ):
        op.execute(f"""
            ALTER TABLE auth.{table}
                DROP CONSTRAINT {table}_role_check,
                ADD CONSTRAINT {table}_role_check CHECK (role IN ({roles}))
        """)
