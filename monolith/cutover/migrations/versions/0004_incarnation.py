"""Decisions hold only in the incarnation of the server that recorded them; the record knows both servers."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
# Columns with a default, a table and functions are added.
oldest_code = "0001"

# As `scheduling.incarnation`, for the schema that records: no package uses another's functions.
_INCARNATION = """
CREATE FUNCTION cutover.incarnation() RETURNS text
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    RETURN (SELECT c.system_identifier FROM pg_control_system() AS c)::text || '/'
           || ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer::text;

ALTER TABLE cutover.ownership ADD COLUMN incarnation text NOT NULL DEFAULT cutover.incarnation();
ALTER TABLE cutover.cutover ADD COLUMN target_incarnation text;

CREATE TABLE cutover.server (
    name         text PRIMARY KEY CHECK (name IN ('monolith', 'scheduling')),
    incarnation  text NOT NULL,
    confirmed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    confirmed_by text NOT NULL
);
INSERT INTO cutover.server (name, incarnation, confirmed_by) VALUES ('monolith', cutover.incarnation(), 'migration');

COMMENT ON COLUMN cutover.ownership.incarnation IS
    'Incarnation of this server in which the row was recorded or confirmed; in another one it is doubtful.';
COMMENT ON COLUMN cutover.cutover.target_incarnation IS
    'Incarnation of the target''s server at the start; expected at activation.';
COMMENT ON TABLE cutover.server IS
    'The incarnation of each database''s server that the record has been compared with.';

GRANT SELECT, INSERT, UPDATE ON cutover.server TO cutover_controller;
GRANT SELECT ON cutover.server TO cutover_app;
GRANT UPDATE (incarnation) ON cutover.ownership TO cutover_controller;
"""

# As in 0002, with one more condition: a record that was restored decides nothing until it is confirmed.
_DECIDE = """
CREATE OR REPLACE FUNCTION cutover.decide(this_cutover uuid, passed jsonb, audit_id uuid)
RETURNS SETOF cutover.cutover LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    decided cutover.cutover;
BEGIN
    PERFORM 1
       FROM cutover.ownership o
       JOIN cutover.cutover c ON c.business_id = o.business_id AND c.source = o.owner AND c.epoch = o.epoch
      WHERE c.cutover_id = this_cutover AND o.incarnation = cutover.incarnation()
        FOR NO KEY UPDATE OF o;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE cutover.cutover c
       SET state = 'decided',
           steps = c.steps || (
               SELECT coalesce(jsonb_agg(jsonb_build_object(
                          'state', step->'state', 'found', step->'found',
                          'at', clock_timestamp() - make_interval(secs => (step->>'seconds_ago')::float8))
                      ORDER BY place), '[]')
                 FROM jsonb_array_elements(passed) WITH ORDINALITY AS each_passed (step, place)
           ) || jsonb_build_object('state', 'decided', 'at', clock_timestamp())
     WHERE c.cutover_id = this_cutover AND c.state IN ('fenced', 'drained', 'verified')
       AND clock_timestamp() < c.deadline_at
    RETURNING c.* INTO decided;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE cutover.ownership o
       SET owner = decided.target, epoch = decided.epoch + 1, decided_at = clock_timestamp()
     WHERE o.business_id = decided.business_id;
    PERFORM cutover.append_audit(audit_id, decided.actor, 'cutover.decided', 'business:' || decided.business_id,
                                 to_jsonb(decided.source), to_jsonb(decided.target), decided.reason);
    RETURN NEXT decided;
END $$;
"""

# A flag that requests another adapter than the owner's is set in the controller's transaction, and audited as a change.
_FOLLOW = """
CREATE FUNCTION cutover.follow_owner(this_business uuid, adapter text, audit_id uuid, actor text, reason text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    before text;
BEGIN
    SELECT f.value INTO before
      FROM platform.flag f WHERE f.key = 'scheduling.adapter' AND f.business_id = this_business
       FOR UPDATE;
    IF before = adapter THEN
        RETURN false;
    END IF;
    PERFORM platform.set_business_flag('scheduling.adapter', this_business, adapter);
    PERFORM platform.append_audit(audit_id, actor, 'flag.set', 'scheduling.adapter business:' || this_business,
                                  to_jsonb(before), to_jsonb(adapter), reason);
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION cutover.follow_owner(uuid, text, uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cutover.follow_owner(uuid, text, uuid, text, text) TO cutover_controller;
"""


def upgrade() -> None:
    op.execute(_INCARNATION)
    op.execute(_DECIDE)
    op.execute(_FOLLOW)
