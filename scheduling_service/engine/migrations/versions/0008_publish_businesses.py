"""Publication of some businesses only, to move them between two databases of many."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
# A function is added.
oldest_code = "0003"

# A key begins with the business, so a filter by it applies to updates and deletions too.
_PUBLISH = """
CREATE FUNCTION scheduling.publish_businesses(businesses uuid[], tables text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    wanted text;
BEGIN
    SELECT string_agg(format('scheduling.%I', name)
                      || CASE name WHEN 'canary' THEN ''
                         ELSE format(' WHERE (business_id = ANY (%L::uuid[]))', businesses) END, ', ')
      INTO STRICT wanted
      FROM unnest(scheduling.replicated_tables()) AS name
     WHERE name = ANY (tables);
    IF EXISTS (SELECT 1 FROM pg_publication WHERE pubname = 'scheduling') THEN
        EXECUTE 'ALTER PUBLICATION scheduling SET TABLE ' || wanted;
    ELSE
        EXECUTE 'CREATE PUBLICATION scheduling FOR TABLE ' || wanted;
    END IF;
END $$;
REVOKE ALL ON FUNCTION scheduling.publish_businesses(uuid[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION scheduling.publish_businesses(uuid[], text[]) TO scheduling_replicator;
"""


def upgrade() -> None:
    op.execute(_PUBLISH)
