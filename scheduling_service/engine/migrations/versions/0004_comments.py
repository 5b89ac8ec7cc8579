"""Comments of tables and columns in plain English."""

from importlib import resources

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
# Only comments change.
oldest_code = "0003"


def upgrade() -> None:
    folder = resources.files("scheduling_service.engine.migrations.versions")
    op.execute((folder / "0004_comments.sql").read_text())
