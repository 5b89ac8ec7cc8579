"""Businesses take turns in the reading of imported calendars, and in the blocking of their times."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
# Workers of 0001 have no imports; those of 0002 claim them without a turn, which row locks make harmless.
oldest_code = "0001"

_TURNS = """
CREATE TABLE calendars.import_turn (
    business_id uuid NOT NULL,
    work        text NOT NULL CHECK (work IN ('read', 'write')),
    began_at    timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    PRIMARY KEY (business_id, work)
);
COMMENT ON TABLE calendars.import_turn IS 'The last turn of a business, in which one worker reads or writes for it.';
COMMENT ON COLUMN calendars.import_turn.ends_at IS 'When a worker may take the next one.';
CREATE INDEX imported_time_next ON calendars.imported_time (import_id, next_attempt_at) WHERE state <> 'added';

GRANT SELECT, INSERT, DELETE, UPDATE (began_at, ends_at) ON calendars.import_turn TO calendars_worker;
ALTER TABLE calendars.import_turn ENABLE ROW LEVEL SECURITY;
ALTER TABLE calendars.import_turn FORCE ROW LEVEL SECURITY;
CREATE POLICY worker ON calendars.import_turn TO calendars_worker USING (true);
"""


def upgrade() -> None:
    op.execute(_TURNS)
