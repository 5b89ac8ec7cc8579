"""Schema for cutovers: attempts, fence watermarks, canaries, and the grants to cut over and replicate."""

from importlib import resources

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    folder = resources.files("scheduling_service.engine.migrations.versions")
    op.execute((folder / "0003_cutover.sql").read_text())
