"""Move the control plane's tables from schema `platform` to a schema of their own."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Both owners take part, so the administrator lets platform_owner hand its tables over, within this transaction only.
_MOVE = """
RESET ROLE;
GRANT cutover_owner TO platform_owner WITH INHERIT FALSE, SET TRUE;
SET LOCAL ROLE cutover_owner;
GRANT USAGE, CREATE ON SCHEMA cutover TO platform_owner;

SET LOCAL ROLE platform_owner;
DROP TRIGGER announce ON platform.ownership;
DROP TRIGGER announce ON platform.cutover;
DROP TRIGGER announce ON platform.guard;
ALTER TABLE platform.ownership SET SCHEMA cutover;
ALTER TABLE platform.cutover SET SCHEMA cutover;
ALTER TABLE platform.verification SET SCHEMA cutover;
ALTER TABLE platform.guard SET SCHEMA cutover;
ALTER TABLE platform.guarded_calls SET SCHEMA cutover;
ALTER TABLE platform.shadow_read SET SCHEMA cutover;
ALTER TABLE cutover.ownership OWNER TO cutover_owner;
ALTER TABLE cutover.cutover OWNER TO cutover_owner;
ALTER TABLE cutover.verification OWNER TO cutover_owner;
ALTER TABLE cutover.guard OWNER TO cutover_owner;
ALTER TABLE cutover.guarded_calls OWNER TO cutover_owner;
ALTER TABLE cutover.shadow_read OWNER TO cutover_owner;
GRANT USAGE ON SCHEMA platform TO cutover_owner;
GRANT INSERT ON platform.audit TO cutover_owner;
GRANT SELECT, INSERT, UPDATE ON platform.flag TO cutover_owner;
GRANT EXECUTE ON FUNCTION platform.append_audit, platform.set_business_flag TO cutover_owner;
REVOKE ALL ON platform.flag, platform.audit FROM platform_mover;

RESET ROLE;
REVOKE cutover_owner FROM platform_owner;
SET LOCAL ROLE cutover_owner;
REVOKE USAGE, CREATE ON SCHEMA cutover FROM platform_owner;
REVOKE ALL ON ALL TABLES IN SCHEMA cutover FROM platform_app, platform_mover;
"""

_RENAME = """
ALTER TABLE cutover.guard RENAME TO rollback_policy;
ALTER TABLE cutover.rollback_policy RENAME COLUMN guard_id TO policy_id;
ALTER INDEX cutover.guard_one_at_a_time RENAME TO rollback_policy_one_at_a_time;
ALTER TABLE cutover.guarded_calls RENAME TO call_count;
ALTER TABLE cutover.call_count RENAME COLUMN guard_id TO policy_id;
"""

# A running role has no rights in another schema: these functions write the platform's tables as the schema's owner.
_FUNCTIONS = """
CREATE FUNCTION cutover.append_audit(
    audit_id uuid, actor text, action text, subject text, before jsonb, after jsonb, reason text
) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = '' AS
    $$ SELECT platform.append_audit($1, $2, $3, $4, $5, $6, $7) $$;

CREATE FUNCTION cutover.set_adapter_flag(business_id uuid, adapter text)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = '' AS
    $$ SELECT platform.set_business_flag('scheduling.adapter', $1, $2) $$;

CREATE FUNCTION cutover.announce() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('routes', TG_TABLE_NAME || ' ' ||
        (CASE WHEN TG_OP = 'DELETE' THEN OLD.business_id ELSE NEW.business_id END)::text);
    RETURN NULL;
END $$;
CREATE TRIGGER announce AFTER INSERT OR UPDATE OR DELETE ON cutover.ownership
    FOR EACH ROW EXECUTE FUNCTION cutover.announce();
CREATE TRIGGER announce AFTER INSERT OR UPDATE ON cutover.cutover FOR EACH ROW EXECUTE FUNCTION cutover.announce();
CREATE TRIGGER announce AFTER INSERT OR UPDATE ON cutover.rollback_policy
    FOR EACH ROW EXECUTE FUNCTION cutover.announce();
"""

_GRANTS = """
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA cutover FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cutover.append_audit, cutover.set_adapter_flag TO cutover_controller;
GRANT SELECT, UPDATE (owner, epoch, attempt, decided_at) ON cutover.ownership TO cutover_controller;
GRANT SELECT, INSERT, UPDATE ON cutover.cutover, cutover.rollback_policy TO cutover_controller;
GRANT SELECT, INSERT ON cutover.verification TO cutover_controller;
GRANT SELECT, DELETE ON cutover.call_count TO cutover_controller;
GRANT SELECT, INSERT ON cutover.ownership TO cutover_app;
GRANT SELECT ON cutover.cutover, cutover.verification, cutover.rollback_policy TO cutover_app;
GRANT SELECT, INSERT, UPDATE ON cutover.call_count, cutover.shadow_read TO cutover_app;
"""


def upgrade() -> None:
    op.execute(_MOVE)
    op.execute(_RENAME)
    op.execute(_FUNCTIONS)
    op.execute(_GRANTS)
