"""Rollback policies of moved businesses, and the call statistics they judge."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE platform.guard (
    guard_id    uuid PRIMARY KEY,
    business_id uuid NOT NULL REFERENCES platform.ownership,
    cutover_id  uuid NOT NULL UNIQUE REFERENCES platform.cutover,
    home        text NOT NULL CHECK (home IN ('in_process', 'http')),
    most_failed real NOT NULL CHECK (most_failed >= 0 AND most_failed < 1),
    p95_ms      real NOT NULL CHECK (p95_ms > 0),
    for_seconds real NOT NULL CHECK (for_seconds > 0),
    began_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    until       timestamptz NOT NULL,
    problem     text,
    outcome     text CHECK (outcome IN ('kept', 'returned', 'superseded')),
    ended_at    timestamptz,
    CHECK ((outcome IS NULL) = (ended_at IS NULL))
);
COMMENT ON TABLE platform.guard IS
    'After a cutover: roll back to `home` if calls for the business exceed a limit for `for_seconds`.';
COMMENT ON COLUMN platform.guard.most_failed IS 'Maximum share of failed calls, 0 to 1.';
COMMENT ON COLUMN platform.guard.problem IS 'Why the rollback has not succeeded yet.';
CREATE UNIQUE INDEX guard_one_at_a_time ON platform.guard (business_id) WHERE ended_at IS NULL;

CREATE TABLE platform.guarded_calls (
    guard_id uuid NOT NULL REFERENCES platform.guard,
    began_at timestamptz NOT NULL,
    calls    bigint NOT NULL,
    failed   bigint NOT NULL,
    slow     bigint NOT NULL,
    PRIMARY KEY (guard_id, began_at)
);
COMMENT ON TABLE platform.guarded_calls IS
    'Per second of this database''s clock: calls for businesses with a rollback policy, of all processes.';

GRANT SELECT, INSERT, UPDATE ON platform.guard TO platform_mover;
GRANT SELECT, DELETE ON platform.guarded_calls TO platform_mover;
GRANT SELECT ON platform.guard TO platform_app;
GRANT SELECT, INSERT, UPDATE ON platform.guarded_calls TO platform_app;
CREATE TRIGGER announce AFTER INSERT OR UPDATE ON platform.guard FOR EACH ROW EXECUTE FUNCTION platform.announce();
"""


def upgrade() -> None:
    op.execute(_TABLES)
