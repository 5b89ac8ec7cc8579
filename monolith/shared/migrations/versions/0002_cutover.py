"""Cutovers with their steps, and the results of verification and shadow reads."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = """
ALTER TABLE platform.ownership ADD COLUMN attempt bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN platform.ownership.attempt IS 'Number of cutovers started for the business; identifies its fences.';

CREATE TABLE platform.cutover (
    cutover_id    uuid PRIMARY KEY,
    business_id   uuid NOT NULL REFERENCES platform.ownership,
    source        text NOT NULL CHECK (source IN ('in_process', 'http')),
    target        text NOT NULL CHECK (target IN ('in_process', 'http') AND target <> source),
    epoch         bigint NOT NULL,
    attempt       bigint NOT NULL,
    state         text NOT NULL CHECK (state IN
                      ('replicating', 'ready', 'fenced', 'drained', 'verified', 'decided', 'active', 'aborted')),
    fence_seconds real NOT NULL CHECK (fence_seconds > 0),
    deadline_at   timestamptz,
    compared_from timestamptz,
    actor         text NOT NULL,
    reason        text NOT NULL,
    problem       text,
    steps         jsonb NOT NULL DEFAULT '[]',
    began_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_at    timestamptz,
    CHECK ((state = 'active') <= (settled_at IS NOT NULL)),
    CHECK (settled_at IS NULL OR state IN ('active', 'aborted'))
);
COMMENT ON TABLE platform.cutover IS 'A cutover of one business. Every transition is a compare-and-swap on `state`.';
COMMENT ON COLUMN platform.cutover.epoch IS 'Epoch of the source; the target gets the next one.';
COMMENT ON COLUMN platform.cutover.deadline_at IS
    'After this time, by this database''s clock, the cutover can only be aborted, by any process.';
COMMENT ON COLUMN platform.cutover.compared_from IS
    'By the source''s clock: later changes are compared again inside the fence.';
COMMENT ON COLUMN platform.cutover.steps IS 'Each transition: state, time, process and findings.';
COMMENT ON COLUMN platform.cutover.settled_at IS 'When exactly one database was known to hold an active lease again.';
CREATE UNIQUE INDEX cutover_one_at_a_time ON platform.cutover (business_id) WHERE settled_at IS NULL;
CREATE INDEX cutover_by_time ON platform.cutover (began_at, cutover_id);

CREATE TABLE platform.verification (
    verification_id uuid PRIMARY KEY,
    business_id     uuid NOT NULL,
    verified_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    equal           boolean NOT NULL,
    findings        jsonb NOT NULL
);
CREATE INDEX verification_latest ON platform.verification (business_id, verified_at);

CREATE TABLE platform.shadow_read (
    operation     text NOT NULL,
    began_at      timestamptz NOT NULL,
    compared      bigint NOT NULL DEFAULT 0,
    different     bigint NOT NULL DEFAULT 0,
    failed        bigint NOT NULL DEFAULT 0,
    dropped       bigint NOT NULL DEFAULT 0,
    owner_ms      double precision NOT NULL DEFAULT 0,
    candidate_ms  double precision NOT NULL DEFAULT 0,
    example       jsonb,
    PRIMARY KEY (operation, began_at)
);
COMMENT ON TABLE platform.shadow_read IS
    'Per operation and minute: comparisons, differences, and the total time of both databases.';
COMMENT ON COLUMN platform.shadow_read.example IS
    'One difference: the business, the request and both replies, truncated.';

GRANT SELECT, UPDATE (owner, epoch, attempt, decided_at) ON platform.ownership TO platform_mover;
GRANT SELECT, INSERT, UPDATE ON platform.cutover TO platform_mover;
GRANT SELECT, INSERT ON platform.verification TO platform_mover;
GRANT SELECT, INSERT, UPDATE, DELETE ON platform.flag TO platform_mover;
GRANT SELECT, INSERT ON platform.audit TO platform_mover;
GRANT SELECT, INSERT, UPDATE ON platform.shadow_read TO platform_app;
GRANT SELECT ON platform.cutover, platform.verification TO platform_app;
CREATE TRIGGER announce AFTER INSERT OR UPDATE ON platform.cutover FOR EACH ROW EXECUTE FUNCTION platform.announce();
"""


def upgrade() -> None:
    op.execute(_TABLES)
