"""Flags, ownership and audit log."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE platform.flag (
    key         text NOT NULL,
    business_id uuid,
    value       text NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT flag_key_business UNIQUE NULLS NOT DISTINCT (key, business_id)
);
COMMENT ON COLUMN platform.flag.business_id IS 'NULL: the default for every business without an override.';

CREATE TABLE platform.ownership (
    business_id uuid PRIMARY KEY,
    owner       text NOT NULL CHECK (owner IN ('in_process', 'http')),
    epoch       bigint NOT NULL CHECK (epoch >= 1),
    decided_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE platform.ownership IS
    'The routing table: which side owns a business. A cutover is decided by one update of one row of it.';

CREATE TABLE platform.audit (
    audit_id    uuid PRIMARY KEY,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    actor       text NOT NULL,
    action      text NOT NULL,
    subject     text NOT NULL,
    before      jsonb,
    after       jsonb,
    reason      text NOT NULL
);
CREATE INDEX audit_by_time ON platform.audit (recorded_at, audit_id);
"""

# LISTENing processes are notified when a change commits, not before.
_NOTICES = """
CREATE FUNCTION platform.announce() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('routes', TG_TABLE_NAME || ' ' ||
        coalesce((CASE WHEN TG_OP = 'DELETE' THEN OLD.business_id ELSE NEW.business_id END)::text, '*'));
    RETURN NULL;
END $$;
CREATE TRIGGER announce AFTER INSERT OR UPDATE OR DELETE ON platform.flag
    FOR EACH ROW EXECUTE FUNCTION platform.announce();
CREATE TRIGGER announce AFTER INSERT OR UPDATE OR DELETE ON platform.ownership
    FOR EACH ROW EXECUTE FUNCTION platform.announce();

CREATE FUNCTION platform.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON platform.audit
    FOR EACH STATEMENT EXECUTE FUNCTION platform.refuse_change();

GRANT SELECT, INSERT, UPDATE, DELETE ON platform.flag TO platform_app;
GRANT SELECT, INSERT ON platform.ownership TO platform_app;
GRANT SELECT, INSERT ON platform.audit TO platform_app;
"""


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(_NOTICES)
