"""Rules, claims, sessions, assignment, waitlist and history, and the functions that read and write them."""

from importlib import resources

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_PARTS = ("0002_tables.sql", "0002_availability.sql", "0002_booking.sql")


def upgrade() -> None:
    folder = resources.files("scheduling_service.engine.migrations.versions")
    for part in _PARTS:
        if (folder / part).is_file():
            op.execute((folder / part).read_text())
