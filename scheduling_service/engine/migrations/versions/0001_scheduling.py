"""The scheduling schema: catalog, appointments, keys, outbox, lease; row-level security and the lease triggers."""

from importlib import resources

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute((resources.files("scheduling_service.engine.migrations.versions") / "0001_scheduling.sql").read_text())
