"""A lease is valid only in the incarnation of the server in which it was granted; publication of some columns only."""

from importlib import resources

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
# A column with a default and functions are added; the former signatures remain.
oldest_code = "0003"


def upgrade() -> None:
    folder = resources.files("scheduling_service.engine.migrations.versions")
    op.execute((folder / "0007_incarnation.sql").read_text())
