"""Name the owner of a business after its database: in_process becomes monolith, http becomes scheduling.

The flag and the audit log are not changed: the flag names adapters, and audit entries are history.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_DROP_OLD_CHECKS = """
DO $$
DECLARE
    old record;
BEGIN
    FOR old IN
        SELECT conrelid::regclass AS on_table, conname FROM pg_constraint
         WHERE contype = 'c' AND pg_get_constraintdef(oid) LIKE '%in_process%'
           AND conrelid IN ('platform.ownership'::regclass, 'platform.cutover'::regclass, 'platform.guard'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', old.on_table, old.conname);
    END LOOP;
END $$;
"""

_RENAME = """
CREATE FUNCTION platform.database_of(adapter text) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT CASE adapter WHEN 'in_process' THEN 'monolith' WHEN 'http' THEN 'scheduling' ELSE adapter END $$;
UPDATE platform.ownership SET owner = platform.database_of(owner);
UPDATE platform.cutover SET source = platform.database_of(source), target = platform.database_of(target);
UPDATE platform.guard SET home = platform.database_of(home);
UPDATE platform.shadow_read
   SET example = jsonb_set(example, '{owner_side}', to_jsonb(platform.database_of(example->>'owner_side')))
 WHERE example ? 'owner_side';
DROP FUNCTION platform.database_of;
"""

_NEW_CHECKS = """
ALTER TABLE platform.ownership
    ADD CONSTRAINT ownership_owner_known CHECK (owner IN ('monolith', 'scheduling'));
ALTER TABLE platform.cutover
    ADD CONSTRAINT cutover_source_known CHECK (source IN ('monolith', 'scheduling')),
    ADD CONSTRAINT cutover_target_known CHECK (target IN ('monolith', 'scheduling') AND target <> source);
ALTER TABLE platform.guard
    ADD CONSTRAINT guard_home_known CHECK (home IN ('monolith', 'scheduling'));
COMMENT ON TABLE platform.ownership IS
    'The routing table: the database that owns a business. A cutover is decided by one update of one row of it.';
"""


def upgrade() -> None:
    op.execute(_DROP_OLD_CHECKS)
    op.execute(_RENAME)
    op.execute(_NEW_CHECKS)
