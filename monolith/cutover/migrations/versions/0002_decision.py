"""The decision of a cutover as a function: one round trip, because writers wait for it."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
# Only a function is added.
oldest_code = "0001"

# The ownership is locked before the cutover, in the order in which a cutover begins.
_DECIDE = """
CREATE FUNCTION cutover.decide(this_cutover uuid, passed jsonb, audit_id uuid)
RETURNS SETOF cutover.cutover LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    decided cutover.cutover;
BEGIN
    PERFORM 1
       FROM cutover.ownership o
       JOIN cutover.cutover c ON c.business_id = o.business_id AND c.source = o.owner AND c.epoch = o.epoch
      WHERE c.cutover_id = this_cutover
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
REVOKE ALL ON FUNCTION cutover.decide(uuid, jsonb, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cutover.decide(uuid, jsonb, uuid) TO cutover_controller;
"""


def upgrade() -> None:
    op.execute(_DECIDE)
