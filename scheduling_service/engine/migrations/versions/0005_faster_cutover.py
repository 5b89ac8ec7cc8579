"""Fence and activation of a lease as functions, since writers wait for both; publication of some tables only."""

from importlib import resources

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
# Only functions are added.
oldest_code = "0003"


def upgrade() -> None:
    folder = resources.files("scheduling_service.engine.migrations.versions")
    op.execute((folder / "0005_faster_cutover.sql").read_text())
