"""Old inbox rows are pruned."""

from alembic import op

from monolith.shared.events import allow_pruning

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
# The new column has a default, so code of 0003 still inserts.
oldest_code = "0003"


def upgrade() -> None:
    allow_pruning(op, "billing", "billing_app")
