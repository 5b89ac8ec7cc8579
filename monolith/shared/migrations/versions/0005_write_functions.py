"""One writer for audit entries and for the override of a flag, callable from the owner of another schema."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_FUNCTIONS = """
CREATE FUNCTION platform.append_audit(
    audit_id uuid, actor text, action text, subject text, before jsonb, after jsonb, reason text
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO platform.audit (audit_id, actor, action, subject, before, after, reason)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
$$;

CREATE FUNCTION platform.set_business_flag(key text, business_id uuid, value text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO platform.flag AS f (key, business_id, value) VALUES ($1, $2, $3)
        ON CONFLICT ON CONSTRAINT flag_key_business DO UPDATE SET value = excluded.value, changed_at = now()
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA platform FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.append_audit, platform.set_business_flag TO platform_app;
"""


def upgrade() -> None:
    op.execute(_FUNCTIONS)
