"""Busy times that are imported from other calendars, and the worker's role."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
# Code of 0001 does not read the new tables.
oldest_code = "0001"

_TABLES = """
CREATE TABLE calendars.busy_import (
    import_id       uuid PRIMARY KEY,
    business_id     uuid NOT NULL,
    provider_id     uuid NOT NULL,
    name            text NOT NULL,
    url             text,
    content         text,
    state           text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'removing')),
    created_by      uuid NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    next_run_at     timestamptz NOT NULL DEFAULT now(),
    last_run_at     timestamptz,
    last_success_at timestamptz,
    failures        integer NOT NULL DEFAULT 0,
    problem         text,
    CONSTRAINT busy_import_source CHECK ((url IS NULL) <> (content IS NULL))
);
CREATE INDEX busy_import_by_business ON calendars.busy_import (business_id, created_at);
CREATE INDEX busy_import_due ON calendars.busy_import (next_run_at);
COMMENT ON COLUMN calendars.busy_import.failures IS 'The number of failures since the last success.';
COMMENT ON COLUMN calendars.busy_import.problem IS 'Why the last run or block failed; NULL after a success.';

CREATE TABLE calendars.imported_time (
    imported_id     uuid PRIMARY KEY,
    business_id     uuid NOT NULL,
    import_id       uuid NOT NULL REFERENCES calendars.busy_import,
    starts_at       timestamptz NOT NULL,
    ends_at         timestamptz NOT NULL,
    state           text NOT NULL DEFAULT 'adding' CHECK (state IN ('adding', 'added', 'removing')),
    block_id        uuid,
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX imported_time_of_import ON calendars.imported_time (import_id, starts_at);
CREATE INDEX imported_time_due ON calendars.imported_time (next_attempt_at) WHERE state <> 'added';
COMMENT ON COLUMN calendars.imported_time.block_id IS 'The blocked time in scheduling, once it is known.';
"""

_ACCESS = """
GRANT SELECT, INSERT, UPDATE (state, next_run_at) ON calendars.busy_import TO calendars_app;
GRANT SELECT, UPDATE (state, next_attempt_at) ON calendars.imported_time TO calendars_app;

-- The worker processes the imports of all businesses.
GRANT SELECT, DELETE, UPDATE (next_run_at, last_run_at, last_success_at, failures, problem)
    ON calendars.busy_import TO calendars_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON calendars.imported_time TO calendars_worker;
"""


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(_ACCESS)
    for table in ("busy_import", "imported_time"):
        op.execute(f"""
            ALTER TABLE calendars.{table} ENABLE ROW LEVEL SECURITY;
            ALTER TABLE calendars.{table} FORCE ROW LEVEL SECURITY;
            CREATE POLICY tenant ON calendars.{table} TO calendars_app
                USING (business_id = NULLIF(current_setting('app.business_id', true), '')::uuid);
            CREATE POLICY worker ON calendars.{table} TO calendars_worker USING (true);
        """)
